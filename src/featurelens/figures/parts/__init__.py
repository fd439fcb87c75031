"""What several figures share: style, colours, panels."""
