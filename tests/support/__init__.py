"""What several tests share: a repository builder and a scripted model server."""
