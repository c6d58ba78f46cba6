"""Depth models of transformers as teachers: `hf:owner/name`, or a folder of one."""
