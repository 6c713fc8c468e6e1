"""The promises that every framework's adapter keeps, by theme. Floor 10."""
