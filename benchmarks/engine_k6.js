// Drives the flow of three steps with k6; FLOW=arrivals sends GET / at a constant rate instead.
import { check } from 'k6';
import http from 'k6/http';

const url = __ENV.URL;
const run = '20250101T000000-0000aaaa';
const tenant = '2c1f7d34-6b0e-4f6a-8f2b-9d5a1e7c3b60';
let requests = 0;

const closed = { vus: Number(__ENV.VUS), duration: __ENV.DURATION };
const open = {
  scenarios: {
    arrivals: {
      executor: 'constant-arrival-rate',
      exec: 'ask',
      rate: Number(__ENV.RATE),
      timeUnit: '1s',
      duration: __ENV.DURATION,
      preAllocatedVUs: Number(__ENV.VUS),
    },
  },
};

export const options = Object.assign(
  { thresholds: { checks: ['rate==1'] } },
  __ENV.FLOW === 'arrivals' ? open : closed,
);

function headers() {
  requests += 1;
  return {
    'Content-Type': 'application/json',
    'X-Tenant-ID': tenant,
    'X-Trace-ID': `${run}-${__VU}-${requests}`,
  };
}

function post(path, body, name) {
  return http.post(`${url}${path}`, JSON.stringify(body), { headers: headers(), tags: { name } });
}

export function ask() {
  const response = http.get(`${url}/`, { headers: headers() });
  check(response, { 'is 200': (r) => r.status === 200 });
}

export default function () {
  const unique = `${run}-${__VU}-${__ITER}`;
  const created = post(
    '/api/v1/onboarding/sessions',
    { company_domain: `${unique}.example`, user_email: `ada@${unique}.example` },
    'create session',
  );
  if (!check(created, { 'session is created': (r) => r.status === 201 })) return;

  const answered = post(
    `/api/v1/onboarding/sessions/${created.json().session_id}/answers`,
    { answers: [{ question_id: 'q1', answer: `We automate ${unique}` }] },
    'submit answers',
  );
  const submission = answered.json();
  const cardIds = submission.card_ids;
  const completed = check(answered, {
    'answers are taken': (r) => r.status === 200,
    'onboarding is completed': () => submission.status === 'completed',
    'there are four cards': () => cardIds.length === 4,
  });
  if (!completed) return;

  const executed = post(
    '/api/v1/workflows/execute',
    { workflow_type: 'linkedin_post', card_ids: cardIds },
    'execute workflow',
  );
  const result = executed.json();
  check(executed, {
    'workflow is executed': (r) => r.status === 200,
    'execution is completed': () => result.status === 'completed',
    'result is whole': () => result.partial_result === false,
  });
}
