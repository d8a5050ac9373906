"""The dirty-Chinese benchmark: clean text damaged by every mechanism, with exact gold."""
