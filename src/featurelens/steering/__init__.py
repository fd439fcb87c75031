"""What happens to cells when one feature is turned."""
