"""What is fed to whatever reads bytes from elsewhere; see `targets`."""
