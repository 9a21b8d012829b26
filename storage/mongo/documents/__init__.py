"""Values as MongoDB documents, and documents checked on their way back."""
