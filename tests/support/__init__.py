"""What several tests share: servers, data and ways to interrupt a push."""
