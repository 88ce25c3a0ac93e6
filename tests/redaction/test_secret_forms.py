"""Forms of secrets as scripts, SQL, shells, configurations, CI logs and people write them: which are missed, and no others."""

from __future__ import annotations

from daganalysis.redaction.pseudonyms import Originals, Pseudonyms
from daganalysis.redaction.texts import JsonRedactor
from daganalysis.redaction.walker import Walker
from tests.redaction.forms import forms, harmless, in_a_file, is_missed, redacted


def test_the_forms_that_are_missed_are_those_that_the_list_names():
    listed = forms()
    assert [form.text for form in listed if is_missed(form)] == [form.text for form in listed if form.is_known_as_missed]


def test_less_than_seven_in_a_hundred_of_the_listed_forms_are_missed():
    listed = forms()
    assert sum(form.is_known_as_missed for form in listed) / len(listed) < 0.07


def test_nothing_in_a_harmless_line_is_replaced():
    assert [text for text in harmless() if redacted(text) != (text, text)] == []


def test_a_secret_that_one_form_tells_goes_from_every_other_form_of_the_archive():
    missed = [form for form in forms() if form.is_known_as_missed]
    told = "".join(f"password={word}\nuser={word}\n" for form in missed for word in form.words)
    text = told + "\n".join(form.text for form in missed)
    originals = Originals()
    in_a_file(JsonRedactor(Walker(originals)), text)
    pseudonyms = Pseudonyms(originals)
    copy = in_a_file(JsonRedactor(Walker(pseudonyms, pseudonyms.known)), text).lower()
    assert [word for form in missed for word in form.words if word in copy] == []
