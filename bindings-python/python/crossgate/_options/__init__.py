"""What the drop-ins share: how options that other packages defined become a policy."""
