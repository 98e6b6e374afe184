"""The closed lists of words in documents. Those on receipts equal ``broker.domain.codes``."""

from __future__ import annotations

GRADES = ("immediate", "very_high", "high", "medium", "low")
MARKINGS = ("OFFICIAL", "OFFICIAL-SENSITIVE")
NO_CONTACT_WITH = ("family", "school", "employer", "person_posing_risk")
SEXES = ("female", "male", "indeterminate")

ETHNICITIES = (
    *("WBRI", "WIRI", "WIRT", "WROM", "WOTH", "MWBC", "MWBA", "MWAS", "MOTH"),
    *("AIND", "APKN", "ABAN", "AOTH", "CHNE", "BCRB", "BAFR", "BOTH", "OOTH"),
    *("REFU", "NOBT"),
    *("IC1", "IC2", "IC3", "IC4", "IC5", "IC6", "IC9"),
)
"""The Department for Education's codes, and the police's for what an officer observed."""
ETHNICITY_BASES = ("self_defined", "parent_stated", "officer_observed")
DISABILITIES = (
    *("NONE", "MOB", "HAND", "PC", "INC", "COMM", "LD"),
    *("HEAR", "VIS", "BEH", "CON", "AUT", "DDA"),
)
"""The Department for Education's codes."""

HEALTH_NEEDS = ("injury", "self_harm", "sexual_health", "mental_health")
MISSING_STATUSES = ("not_missing", "missing", "absent", "returned")
ROLE_KINDS = ("employment", "volunteering", "foster_carer", "registered_childminder")
MANAGEMENT_STATUSES = (
    *("none", "registered_sex_offender", "on_licence", "community_order", "mappa"),
)
MANAGERS = ("police", "probation")
CONTACT_NATURES = ("lives_with", "regular", "occasional", "online_only", "none")

PLATFORM_KINDS = (
    *("social", "messaging", "gaming", "live_streaming", "file_sharing", "dating"),
    *("forum", "email", "search", "other"),
)
IP_EVENTS = ("login", "registration", "purchase", "upload", "message", "other", "unknown")
REPORT_SOURCES = ("NCMEC", "IWF", "CAID", "NCA", "CEOP", "platform")
HASH_ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "photodna", "pdq")

CONCERN_CATEGORIES = (
    *("image_offence", "grooming", "sextortion", "contact_abuse"),
    *("livestreaming", "self_generated", "other"),
)
INFORMATION_EVALUATIONS = ("A", "B", "C", "D", "E")
INTELLIGENCE_HANDLING = ("P", "C")

STAGES = ("collected", "acknowledged", "decided", "returned")
OUTCOMES = (
    *("no_further_action", "advice", "early_help", "assessment"),
    *("strategy_discussion", "already_open", "action_taken", "other", "destroyed"),
)
RETURN_REASONS = (
    *("wrong_area", "not_ours", "below_threshold"),
    *("duplicate", "unreadable", "need_information"),
)
MILESTONES = ("collect", "acknowledge", "decide")
CLOCK_STARTS = ("accepted", "first_known")
PAUSE_REASONS = ("information_requested", "legal_hold")
ALARMED = ("unroutable", "silence")
"""What is alarmed beside deliveries."""
TOLD = ("agency", "publisher", "ops")
CONTACTS = ("duty", "manager", "supervisor")
NOTICE_CHANNELS = ("email", "webhook", "command")
ESCALATION_STATES = ("open", "acknowledged", "ended")
ROLES = ("lead", "copy")
DELIVERY_KINDS = ("referral", "correction", "recall")
RECALL_REASONS = ("sent_in_error", "wrong_person", "inaccurate", "unlawful")
RECALL_REASONS_TOLD = (*RECALL_REASONS, "no_longer_addressed")

REFERRAL_STATES = ("accepted", "routed", "rejected", "unroutable", "closed")
DELIVERY_STATES = (
    *("held", "available", "leased", "collected", "acknowledged"),
    *("decided", "returned", "undeliverable", "recalled"),
)
SETTLED = ("recorded", "already", "not_found", "lease_lost", "conflict", "wrong_kind")
"""What became of a receipt."""
LEASE_RESULTS = ("extended", "released", "lease_lost")
CHANNELS = ("mailbox", "queue")
NATIONS = ("ENG", "WLS", "SCT", "NIR")
ORGANISATION_KINDS = (
    *("social-care", "out-of-hours", "lado", "health", "probation", "school"),
    *("force", "nca", "ops"),
)
OPENING_WORDS = ("always", "office")
BASES = ("statute", "guidance", "local", "assumption")
SUBJECTS = ("child", "person", "role", "referral")
SEES = ("children", "persons")
PLACES = (
    *("child.area", "child.home_area", "child.placing_authority", "child.open_case_area"),
    *("child.school_urn", "person.area", "person.managing_area", "role.area", "anywhere"),
)
PARTS = (
    *("handling", "referrer", "times", "grade", "concern", "children", "household"),
    *("persons_posing_risk", "children_alleged_to_have_harmed", "online", "action_taken"),
)
"""The parts of a referral that a view can show."""
