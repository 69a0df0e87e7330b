"""Many runs become a verdict: tables, statistics and figures in one page.

Nothing in here imports torch: a report is made of the run folders alone.
"""
