"""The AsyncAPI document as one page for people: HTML with its style sheet and script inside."""
