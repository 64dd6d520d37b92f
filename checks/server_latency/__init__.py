"""Judge the response times that services measured by themselves, in their histograms."""
