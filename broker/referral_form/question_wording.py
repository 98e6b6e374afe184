"""What the form asks: labels and hints of the fields that it offers, and which it leaves out."""

from __future__ import annotations

from collections.abc import Mapping

from schemas import labels

_LABELS: Mapping[str, str] = {
    "grade.level": "How urgent is it?",
    "grade.reason": "Why?",
    "grade.graded_by": "Who graded it",
    "grade.tool": "Risk assessment tool",
    "times.first_known_at": "When did police first know?",
    "times.child_identified_at": "When was the child identified?",
    "times.graded_at": "When was it graded?",
    "children.given_name": "First names",
    "children.family_name": "Family name",
    "children.aliases": "Other names",
    "children.date_of_birth": "Date of birth",
    "children.approximate_age": "Age, if you do not know the date of birth",
    "children.expected_date_of_birth": "If the child is not born yet: when the birth is expected",
    "children.sex": "Sex",
    "children.gender": "Gender, in the child’s own words",
    "children.address.postcode": "Home postcode",
    "children.address.lines": "Address",
    "children.address.country": "Country, if the address is abroad",
    "children.area": "If you have no postcode: town or council",
    "children.found_area": "Where the child is now, if somewhere else",
    "children.lives_with": "Who the child lives with",
    "children.school.name": "School or college",
    "children.school.urn": "School number (URN)",
    "children.looked_after": "Is the child looked after by a council?",
    "children.placing_authority": "Which council looks after the child?",
    "children.protection_plan": "Does the child have a child protection plan?",
    "children.open_case.area": "Does a council’s team work with the child already? Which council?",
    "children.open_case.team": "Team, and social worker if you know them",
    "children.ethnicity": "Ethnicity",
    "children.ethnicity.code": "Ethnicity",
    "children.ethnicity.basis": "Who said so?",
    "children.disability": "Disability",
    "children.language": "First language",
    "children.interpreter_needed": "Is an interpreter needed?",
    "children.religion": "Religion or belief",
    "children.missing": "Is the child missing?",
    "children.missing.status": "What is known",
    "children.missing.since": "Missing since",
    "children.missing.returned_at": "Came back",
    "children.missing.reference": "Police reference of the missing episode",
    "children.health.needs": "Does the child need a health service?",
    "children.health.details": "What the health service must know",
    "children.nhs_number": "NHS number",
    "children.upn": "Pupil number (UPN)",
    "children.voice.said": "In the child’s own words",
    "children.voice.views": "What the child wants to happen",
    "children.voice.concerns": "What worries the child",
    "children.voice.demeanour": "How the child seemed",
    "children.voice.behaviour": "What was seen",
    "children.voice.spoken_to_at": "When was the child spoken to?",
    "children.voice.spoken_to_by": "Who spoke to the child",
    "children.voice.not_asked": "Why not?",
    "children.voice.refused": "How was the child asked?",
    "children.voice.share_with": "Who else may read what the child said?",
    "concern.category": "What is it about?",
    "concern.summary": "What happened, and why it is a concern",
    "concern.domestic_abuse": "Is domestic abuse known or suspected in the household?",
    "concern.about": "Who is this about?",
    "concern.facts.text": "What was seen or found",
    "concern.facts.at": "When it happened",
    "concern.facts.source": "Where it was found, or who saw it",
    "concern.facts.about": "Who is this about?",
    "concern.third_party_reports.text": "What was said",
    "concern.third_party_reports.reported_by": "Who said it",
    "concern.third_party_reports.at": "When it was said",
    "concern.third_party_reports.about": "Who is this about?",
    "concern.judgements.text": "The professional’s judgement",
    "concern.judgements.made_by": "Whose judgement it is",
    "concern.judgements.about": "Who is this about?",
    "concern.intelligence.text": "The intelligence",
    "concern.intelligence.source_evaluation": "Source",
    "concern.intelligence.information_evaluation": "Information",
    "concern.intelligence.handling": "Handling",
    "concern.intelligence.conditions": "Conditions for sharing it",
    "concern.intelligence.about": "Who is this about?",
    "handling.embargo.until": "No contact before",
    "handling.embargo.reason": "Why must they wait?",
    "handling.embargo.no_contact_with": "Who must not be contacted until then?",
    "handling.embargo.call_first.name": "Who must they call before doing anything?",
    "handling.embargo.call_first.telephone": "The number to call",
    "handling.do_not_disclose_to": "Which organisations must not be told?",
    "handling.parents_informed.informed": "Do the parents know of this referral?",
    "handling.parents_informed.reason": "Why do they, or do they not?",
    "handling.instructions": "What else must every agency do or not do?",
    "handling.marking": "Marking",
    "persons_posing_risk.given_name": "First names",
    "persons_posing_risk.family_name": "Family name",
    "persons_posing_risk.date_of_birth": "Date of birth",
    "persons_posing_risk.age": "Age, if you do not know the date of birth",
    "persons_posing_risk.sex": "Sex",
    "persons_posing_risk.address.postcode": "Home postcode",
    "persons_posing_risk.address.lines": "Address",
    "persons_posing_risk.address.country": "Country, if the address is abroad",
    "persons_posing_risk.area": "If you have no postcode: town or council",
    "persons_posing_risk.contact": "What contact does this person have with each child?",
    "persons_posing_risk.offence_history": "Earlier offences that matter here",
    "persons_posing_risk.roles.kind": "Kind of work",
    "persons_posing_risk.roles.title": "Job or role",
    "persons_posing_risk.roles.organisation": "Employer or organisation",
    "persons_posing_risk.roles.urn": "School number (URN), if it is a school",
    "persons_posing_risk.roles.area": "Town or council where the work is done",
    "persons_posing_risk.roles.works_with_children": "Is the work with children?",
    "persons_posing_risk.management.status": "Is this person managed as an offender?",
    "persons_posing_risk.management.managed_by": "Managed by",
    "persons_posing_risk.management.area": "Town or council where this person is managed",
    "household.given_name": "First names",
    "household.family_name": "Family name",
    "household.date_of_birth": "Date of birth",
    "household.children": "Related to which children?",
    "household.relationship": "Relationship to them",
    "household.parental_responsibility": "Does this person have parental responsibility?",
    "household.adult_at_risk": "Is this person an adult at risk of abuse or neglect?",
    "online.identities.platform": "Service",
    "online.identities.username": "Account name",
    "online.identities.display_name": "Name that others see",
    "online.identities.email": "Email address of the account",
    "online.identities.telephone": "Telephone number of the account",
    "online.identities.belongs_to": "Whose account is it?",
    "online.reports.source": "Who reported it?",
    "online.reports.id": "Report number",
    "online.reports.source_name": "Name of the reporter, if not in the list",
    "online.reports.incident_type": "Kind of incident, as the report says",
    "online.reports.priority": "Priority, as the report says",
    "online.reports.received_at": "When police received it",
    "online.platforms.name": "Service",
    "online.platforms.kind": "Kind of service",
    "online.image_counts.a": "Category A images",
    "online.image_counts.b": "Category B images",
    "online.image_counts.c": "Category C images",
    "action_taken.action": "What was done",
    "action_taken.at": "When",
    "action_taken.by": "Who did it",
    "action_taken.details": "Details",
    "action_taken.about": "Who is this about?",
    "referrer.name": "Your name",
    "referrer.role": "Rank or post",
    "referrer.unit": "Team or unit",
    "referrer.telephone": "Telephone number",
    "referrer.email": "Email address",
    "referrer.occurrence_reference": "Crime or occurrence reference",
    "referrer.officer_in_case": "Officer in the case, if somebody else",
    "referrer.supervisor": "Your supervisor",
}
"""The question about each field that the form offers. What is not in it is not asked."""

_IN_ITS_PLACE = "Agencies that may read the child’s words read this in their place."
_EVERYBODY = "Leave all of them empty if it is about everybody."
_HINTS: Mapping[str, str] = {
    "grade.level": "The deadlines of every agency follow from it.",
    "grade.reason": "In a sentence or two.",
    "times.first_known_at": "When any part of your force first knew, not when you were told.",
    "children.aliases": "One on each line.",
    "children.address.postcode": "This decides which council gets it.",
    "children.address.lines": "One line each, without the postcode.",
    "children.area": "For example Stoke-on-Trent.",
    "children.found_area": "A postcode, town or council. That council is told as well.",
    "children.school.urn": "Six digits. With it we find the school.",
    "children.placing_authority": "For example Stoke-on-Trent.",
    "children.open_case.area": "That council gets the referral as well.",
    "children.disability": "Choose all that apply.",
    "children.missing": "A child who is missing makes the referral more urgent.",
    "children.health.needs": "A health team gets a part of the referral.",
    "children.nhs_number": "If it is not valid, we send it as you wrote it, marked as not valid.",
    "children.upn": "A capital letter and 12 more characters.",
    "children.voice.said": "Quote the child. Do not summarise.",
    "children.voice.not_asked": _IN_ITS_PLACE,
    "children.voice.refused": _IN_ITS_PLACE,
    "children.voice.share_with": (
        "Children’s social care always reads it. Enter a kind of organisation, such as school, or "
        "a name; one on each line. Ask the child first."
    ),
    "concern.summary": "A few sentences. Facts, reports and judgements have pages of their own.",
    "concern.about": _EVERYBODY,
    "concern.facts.about": _EVERYBODY,
    "concern.third_party_reports.about": _EVERYBODY,
    "concern.judgements.about": _EVERYBODY,
    "concern.intelligence.about": _EVERYBODY,
    "action_taken.about": _EVERYBODY,
    "handling.embargo.until": (
        "Only if contact would spoil an arrest or a search. It never delays children’s social care."
    ),
    "handling.embargo.reason": "Everybody who gets it can read this.",
    "handling.do_not_disclose_to": (
        "A kind of organisation, such as school, or a name; one on each line. "
        "Everybody who gets the referral sees this list. It cannot keep it from a person."
    ),
    "persons_posing_risk.family_name": "Leave both empty if nobody has identified the person.",
    "persons_posing_risk.date_of_birth": "Somebody under 18 is shown as a child.",
    "persons_posing_risk.roles.organisation": (
        "Nothing is sent there until somebody has decided whom there may be told."
    ),
    "persons_posing_risk.roles.area": "Its designated officer (LADO) is told.",
    "household.adult_at_risk": "Adult social care is told.",
    "online.identities.belongs_to": "Only if somebody has shown whose it is.",
    "referrer.telephone": "Enter a telephone number or an email address, or both.",
}

_VOICE = "children.voice."


def _of_persons_too(texts: Mapping[str, str]) -> Mapping[str, str]:
    """Return texts, those about a child's voice also for a person under 18 who may pose a risk."""
    voice = {
        f"persons_posing_risk.voice.{field.removeprefix(_VOICE)}": text
        for field, text in texts.items()
        if field.startswith(_VOICE)
    }
    return {**texts, **voice}


LABELS = _of_persons_too(_LABELS)
"""What each question is called, by the name of its field."""
HINTS = _of_persons_too(_HINTS)
KNOWN = "I know it"
REASONS = labels.UNKNOWN_NAMES
"""Why something is not known, as ``schemas.unknown.Unknown`` has it."""
LATER = "I will send it later as a correction."
CANNOT_TELL = "I cannot tell whether anybody asked"
"""The fourth kind: the document says nothing of it."""
WHY_UNKNOWN = "If you do not know it, why?"
GRADES = labels.GRADE_NAMES

_GIVEN_BY_THE_FORM = "The form gives it."
_SYSTEMS = "A list that a system makes; send it by the API."
NOT_OFFERED: Mapping[str, str] = {
    "schema": _GIVEN_BY_THE_FORM,
    "reference": "It is asked when the draft begins, and never changes.",
    "children.id": _GIVEN_BY_THE_FORM,
    "household.id": _GIVEN_BY_THE_FORM,
    "persons_posing_risk.id": _GIVEN_BY_THE_FORM,
    "online.identities.id": _GIVEN_BY_THE_FORM,
    "persons_posing_risk.contact.child": "One question is asked about each child.",
    "persons_posing_risk.contact.nature": "One question is asked about each child.",
    "times.submitted_at": "The broker’s own time of acceptance says it.",
    "children.address.uprn": "People know postcodes.",
    "persons_posing_risk.address.uprn": "People know postcodes.",
    "persons_posing_risk.roles.organisation_code": "People know names; the URN finds a school.",
    "concern.summaries.text": "Rare: facts and reports say whom they are about.",
    "concern.summaries.about": "Rare: facts and reports say whom they are about.",
    "online.ip_events.address": _SYSTEMS,
    "online.ip_events.port": _SYSTEMS,
    "online.ip_events.at": _SYSTEMS,
    "online.ip_events.event": _SYSTEMS,
    "online.hashes.algorithm": _SYSTEMS,
    "online.hashes.value": _SYSTEMS,
    "online.tags": _SYSTEMS,
    "extensions": "Local fields of a force’s own system.",
}
"""Fields that only the API offers, each with the reason. What a correction finds there stays."""
