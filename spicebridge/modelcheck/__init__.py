"""A check-up for device models: what is known to break them, measured one by one."""

from spicebridge.modelcheck.model_under_test import Subject, load_subject, subject_names
from spicebridge.modelcheck.questions import CHECKS, check_model
from spicebridge.modelcheck.result import CheckUp, Grade, Result

__all__ = ["CHECKS", "CheckUp", "Grade", "Result", "Subject", "check_model", "load_subject", "subject_names"]
