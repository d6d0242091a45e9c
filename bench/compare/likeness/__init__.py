"""What two results differ in, apart from their figures."""
