"""The wing that makes; the only room that imports Lightning."""
