"""What several folders of tests share: builders, a job on virtual time, servers on this machine, comparisons of workspaces."""
