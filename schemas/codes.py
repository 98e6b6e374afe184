"""The closed lists of codes in documents, each of them once: the broker imports them from here."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Grade(StrEnum):
    """How urgent a referral is, most urgent first, as the police themselves grade it."""

    IMMEDIATE = "immediate"
    VERY_HIGH = "very_high"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Marking(StrEnum):
    """The government's security classification."""

    OFFICIAL = "OFFICIAL"
    OFFICIAL_SENSITIVE = "OFFICIAL-SENSITIVE"


class NoContactWith(StrEnum):
    """Whom an embargo forbids to contact, and so which rules of routing it holds."""

    FAMILY = "family"
    SCHOOL = "school"
    EMPLOYER = "employer"
    PERSON_POSING_RISK = "person_posing_risk"


class Sex(StrEnum):
    """A person's sex as recorded."""

    FEMALE = "female"
    MALE = "male"
    INDETERMINATE = "indeterminate"
    UNKNOWN = "unknown"


class EthnicityCode(StrEnum):
    """The Department for Education's codes, and the police's.

    The police have two lists: what a person says of themselves (self-defined, 18+1), and what an
    officer observed.
    """

    WBRI = "WBRI"
    WIRI = "WIRI"
    WIRT = "WIRT"
    WROM = "WROM"
    WOTH = "WOTH"
    MWBC = "MWBC"
    MWBA = "MWBA"
    MWAS = "MWAS"
    MOTH = "MOTH"
    AIND = "AIND"
    APKN = "APKN"
    ABAN = "ABAN"
    AOTH = "AOTH"
    CHNE = "CHNE"
    BCRB = "BCRB"
    BAFR = "BAFR"
    BOTH = "BOTH"
    OOTH = "OOTH"
    REFUSED = "REFU"
    NOT_YET_OBTAINED = "NOBT"
    W1 = "W1"
    W2 = "W2"
    W3 = "W3"
    W9 = "W9"
    M1 = "M1"
    M2 = "M2"
    M3 = "M3"
    M9 = "M9"
    A1 = "A1"
    A2 = "A2"
    A3 = "A3"
    A4 = "A4"
    A9 = "A9"
    B1 = "B1"
    B2 = "B2"
    B9 = "B9"
    O1 = "O1"
    O2 = "O2"
    O9 = "O9"
    NOT_STATED = "NS"
    IC1 = "IC1"
    IC2 = "IC2"
    IC3 = "IC3"
    IC4 = "IC4"
    IC5 = "IC5"
    IC6 = "IC6"
    IC9 = "IC9"


class EthnicityBasis(StrEnum):
    """Who stated or observed an ethnicity."""

    SELF_DEFINED = "self_defined"
    PARENT_STATED = "parent_stated"
    OFFICER_OBSERVED = "officer_observed"


class Disability(StrEnum):
    """The Department for Education's codes."""

    NONE = "NONE"
    MOBILITY = "MOB"
    HAND = "HAND"
    PERSONAL_CARE = "PC"
    INCONTINENCE = "INC"
    COMMUNICATION = "COMM"
    LEARNING = "LD"
    HEARING = "HEAR"
    VISION = "VIS"
    BEHAVIOUR = "BEH"
    CONSCIOUSNESS = "CON"
    AUTISM = "AUT"
    OTHER = "DDA"


class HealthNeed(StrEnum):
    """What the health service may be needed for."""

    INJURY = "injury"
    SELF_HARM = "self_harm"
    SEXUAL_HEALTH = "sexual_health"
    MENTAL_HEALTH = "mental_health"


class MissingStatus(StrEnum):
    """Whether a child is missing."""

    NOT_MISSING = "not_missing"
    MISSING = "missing"
    ABSENT = "absent"
    RETURNED = "returned"


class WorkKind(StrEnum):
    """A kind of work or volunteering."""

    EMPLOYMENT = "employment"
    VOLUNTEERING = "volunteering"
    FOSTER_CARER = "foster_carer"
    REGISTERED_CHILDMINDER = "registered_childminder"
    OTHER = "other"


class ManagementStatus(StrEnum):
    """Whether a person is managed as an offender."""

    NONE = "none"
    REGISTERED_SEX_OFFENDER = "registered_sex_offender"
    ON_LICENCE = "on_licence"
    COMMUNITY_ORDER = "community_order"
    MAPPA = "mappa"
    OTHER = "other"


class ManagedBy(StrEnum):
    """Who manages an offender."""

    POLICE = "police"
    PROBATION = "probation"


class ContactNature(StrEnum):
    """What contact a person has with a child."""

    LIVES_WITH = "lives_with"
    REGULAR = "regular"
    OCCASIONAL = "occasional"
    ONLINE_ONLY = "online_only"
    NONE = "none"
    UNKNOWN = "unknown"


class PlatformKind(StrEnum):
    """A kind of online service."""

    SOCIAL = "social"
    MESSAGING = "messaging"
    GAMING = "gaming"
    LIVE_STREAMING = "live_streaming"
    FILE_SHARING = "file_sharing"
    DATING = "dating"
    FORUM = "forum"
    EMAIL = "email"
    SEARCH = "search"
    OTHER = "other"


class IpEventKind(StrEnum):
    """What an internet address was used for."""

    LOGIN = "login"
    REGISTRATION = "registration"
    PURCHASE = "purchase"
    UPLOAD = "upload"
    MESSAGE = "message"
    OTHER = "other"
    UNKNOWN = "unknown"


class ReportSource(StrEnum):
    """To whom, or by whom, something was reported before."""

    NCMEC = "NCMEC"
    IWF = "IWF"
    CAID = "CAID"
    NCA = "NCA"
    CEOP = "CEOP"
    FBI = "FBI"
    EUROPOL = "Europol"
    INTERPOL = "Interpol"
    FORCE = "force"
    FOREIGN_FORCE = "foreign_force"
    PLATFORM = "platform"
    SCHOOL = "school"
    PARENT = "parent"
    OTHER = "other"


class HashAlgorithm(StrEnum):
    """How the digest of a file was computed."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"
    PHOTODNA = "photodna"
    PDQ = "pdq"
    PHASH = "phash"
    TMK = "tmk"
    OTHER = "other"


class ConcernCategory(StrEnum):
    """What kind of abuse it is about."""

    IMAGE_OFFENCE = "image_offence"
    GROOMING = "grooming"
    SEXTORTION = "sextortion"
    CONTACT_ABUSE = "contact_abuse"
    LIVESTREAMING = "livestreaming"
    SELF_GENERATED = "self_generated"
    OTHER = "other"


class InformationEvaluation(StrEnum):
    """How sure a piece of intelligence is (the 5 of 3x5x2)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


class IntelligenceHandling(StrEnum):
    """Who may have a piece of intelligence (the 2 of 3x5x2)."""

    P = "P"
    C = "C"


class Stage(StrEnum):
    """What a receipt says about a delivery."""

    COLLECTED = "collected"
    ACKNOWLEDGED = "acknowledged"
    DECIDED = "decided"
    RETURNED = "returned"


class Outcome(StrEnum):
    """What an agency decided about the contact or referral."""

    NO_FURTHER_ACTION = "no_further_action"
    ADVICE = "advice"
    EARLY_HELP = "early_help"
    ASSESSMENT = "assessment"
    STRATEGY_DISCUSSION = "strategy_discussion"
    ALREADY_OPEN = "already_open"
    ACTION_TAKEN = "action_taken"
    OTHER = "other"
    DESTROYED = "destroyed"
    """Every copy of what was recalled is destroyed; the answer to a recall, and to nothing else."""


class ViewsConsidered(StrEnum):
    """Whether the child's own views were considered in a decision."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "not_applicable"


class ChildTold(StrEnum):
    """Whether the child was told what was decided."""

    YES = "yes"
    NO = "no"
    NOT_YET = "not_yet"


class ReturnReason(StrEnum):
    """Why an agency gave a delivery back."""

    WRONG_AREA = "wrong_area"
    NOT_OURS = "not_ours"
    BELOW_THRESHOLD = "below_threshold"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    NEED_INFORMATION = "need_information"


class Milestone(StrEnum):
    """A point on a delivery's way that can have a deadline of its own."""

    COLLECT = "collect"
    ACKNOWLEDGE = "acknowledge"
    DECIDE = "decide"


class ClockStart(StrEnum):
    """From when a deadline counts. A delivery under an embargo counts from the embargo's end."""

    ACCEPTED = "accepted"
    """When the broker accepted the referral."""
    FIRST_KNOWN = "first_known"
    """When the police first knew."""


class PauseReason(StrEnum):
    """Why a clock is paused."""

    INFORMATION_REQUESTED = "information_requested"
    """The agency cannot go on before the publisher has answered."""
    LEGAL_HOLD = "legal_hold"


class AlarmSubject(StrEnum):
    """What is alarmed beside deliveries."""

    UNROUTABLE = "unroutable"
    SILENCE = "silence"


class NoticeRecipient(StrEnum):
    """Whose contact a notice goes to."""

    AGENCY = "agency"
    PUBLISHER = "publisher"
    OPS = "ops"


class Contact(StrEnum):
    """Who is told in an organisation."""

    DUTY = "duty"
    MANAGER = "manager"
    SUPERVISOR = "supervisor"


class NoticeChannel(StrEnum):
    """How a notice travels. The publisher's feed has every event anyway."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    COMMAND = "command"
    SMS = "sms"


class NoticeState(StrEnum):
    """What became of a notice."""

    DUE = "due"
    """It is to be sent, or tried again."""
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    VOID = "void"
    """There is nothing to tell any more, or nobody to tell."""


class EscalationState(StrEnum):
    """Whether an escalation goes on."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ENDED = "ended"


class Role(StrEnum):
    """Why an agency has a delivery."""

    LEAD = "lead"
    """It must act."""
    COPY = "copy"
    """It must know; another agency leads."""


class DeliveryKind(StrEnum):
    """What a delivery is to its agency."""

    REFERRAL = "referral"
    """A part of a referral that it has not had before."""
    CORRECTION = "correction"
    """A later version of what it has."""
    RECALL = "recall"
    """What it has must be destroyed; bears no content."""


class RecallReason(StrEnum):
    """Why a publisher took a referral back."""

    SENT_IN_ERROR = "sent_in_error"
    WRONG_PERSON = "wrong_person"
    INACCURATE = "inaccurate"
    UNLAWFUL = "unlawful"


NO_LONGER_ADDRESSED = "no_longer_addressed"
"""Why the broker recalls what an agency had: by a correction it is not concerned any more."""
DELIVERY_RECALL_REASONS = (*RecallReason, NO_LONGER_ADDRESSED)
"""Every reason that a recall can bear when an agency gets it."""


class ReferralState(StrEnum):
    """Where a referral stands."""

    ACCEPTED = "accepted"
    """Committed in the ledger; not yet validated and routed."""
    ROUTED = "routed"
    """Every agency that must have a part of it has a delivery."""
    REJECTED = "rejected"
    """Invalid; waits in its publisher's queue for a corrected one."""
    UNROUTABLE = "unroutable"
    """Valid, but no recipient can be worked out; waits in the ops queue."""
    CLOSED = "closed"
    """Every delivery has ended, a corrected referral took its place, or it was recalled in time."""


class DeliveryState(StrEnum):
    """Where one agency's part of a referral stands."""

    HELD = "held"
    """Waits for the end of an embargo; visible, and its clock starts when the embargo ends."""
    AVAILABLE = "available"
    """In the agency's queue."""
    LEASED = "leased"
    """Offered to the agency's software under a lease that lapses."""
    COLLECTED = "collected"
    """The agency's software has it."""
    ACKNOWLEDGED = "acknowledged"
    """A person at the agency has taken it."""
    DECIDED = "decided"
    """A person at the agency has answered with a coded outcome."""
    RETURNED = "returned"
    """The agency gave it back with a coded reason."""
    UNDELIVERABLE = "undeliverable"
    """The agency cannot be reached by any channel; waits in the ops queue."""
    RECALLED = "recalled"
    """It was taken back: by its publisher, or because a correction leaves its agency out."""
    HANDED_OVER = "handed_over"
    """Another team has it since its office closed or opened; the clock is the same one."""


class ReceiptResult(StrEnum):
    """What became of a receipt."""

    RECORDED = "recorded"
    ALREADY = "already"
    """The same answer was given before."""
    NOT_FOUND = "not_found"
    LOST_IN_RESTORE = "lost_in_restore"
    """It was delivered, and the broker was then restored to an earlier point."""
    LEASE_LOST = "lease_lost"
    CONFLICT = "conflict"
    """Another reason was given before, or the step is illegal from the delivery's state."""
    WRONG_KIND = "wrong_kind"
    """A delivery of this kind is not answered so."""
    HANDED_OVER = "handed_over"
    """Another team has it now; what was answered is in the history and changes nothing."""


class LeaseResult(StrEnum):
    """What became of a lease that was to be extended or released."""

    EXTENDED = "extended"
    RELEASED = "released"
    LEASE_LOST = "lease_lost"


class Nation(StrEnum):
    """Whose law and bank holidays count."""

    ENGLAND = "ENG"
    WALES = "WLS"
    SCOTLAND = "SCT"
    NORTHERN_IRELAND = "NIR"


class OrganisationKind(StrEnum):
    """The kinds of organisation that rules of the broker name; a directory declares more."""

    SOCIAL_CARE = "social-care"
    OUT_OF_HOURS = "out-of-hours"
    LADO = "lado"
    HEALTH = "health"
    PROBATION = "probation"
    SCHOOL = "school"
    FORCE = "force"
    NCA = "nca"
    OPS = "ops"


class Opening(StrEnum):
    """Opening hours that have a name."""

    ALWAYS = "always"
    OFFICE = "office"


class Basis(StrEnum):
    """What a rule of the policy rests on."""

    STATUTE = "statute"
    GUIDANCE = "guidance"
    LOCAL = "local"
    ASSUMPTION = "assumption"


class Subject(StrEnum):
    """What a rule of the policy looks at, one by one."""

    CHILD = "child"
    PERSON = "person"
    ROLE = "role"
    REFERRAL = "referral"


class Sees(StrEnum):
    """Whom a rule shows beside its subject."""

    CHILDREN = "children"
    PERSONS = "persons"


class Place(StrEnum):
    """What an organisation is looked up by: a subject and its fact, or the whole country."""

    CHILD_AREA = "child.area"
    CHILD_HOME_AREA = "child.home_area"
    CHILD_PLACING_AUTHORITY = "child.placing_authority"
    CHILD_OPEN_CASE_AREA = "child.open_case_area"
    CHILD_SCHOOL = "child.school_urn"
    PERSON_AREA = "person.area"
    PERSON_MANAGING_AREA = "person.managing_area"
    ROLE_AREA = "role.area"
    REFERRAL_AREA = "referral.area"
    ANYWHERE = "anywhere"


class EpochReason(StrEnum):
    """Why an epoch of the ledger began."""

    FIRST = "first"
    RESTORED = "restored"
    """To a point in time."""
    COPIED = "copied"
    """From a dump, or into another cluster."""
    REWOUND = "rewound"
    """The end of the ledger moved backwards while a process was running."""
    PROMOTED = "promoted"
    """A standby took over."""

    @property
    def is_restore(self) -> bool:
        """Whether recalls and other changes may have been undone."""
        return self not in (EpochReason.FIRST, EpochReason.PROMOTED)


class HealthLevel(IntEnum):
    """How bad the worst of a broker is. The number is what the metric ``broker_health`` shows."""

    WELL = 0
    SOON = 1
    """Something is due soon."""
    ATTENTION = 2
    """Something waits for a person, or a part is slower than usual."""
    LATE = 3
    """A deadline has passed."""
    FAILING = 4
    """A part of the broker does not do its work."""
    UNKNOWN = 5
    """A figure cannot be read, so nobody can say that all is well."""
    STOPPED = 6
    """Nobody routes, watches deadlines or alerts people."""

    @property
    def word(self) -> str:
        """The level as answers and pages name it."""
        return self.name.lower()


class MemberRight(StrEnum):
    """What somebody at an organisation may do in its inbox."""

    READ = "read"
    """Read what the organisation gets."""
    ANSWER = "answer"
    """Take on, decide, return, ask and hand over."""
    PUBLISH = "publish"
    """Send referrals for the organisation, correct and recall them."""
    ADMINISTER = "administer"
    """Invite colleagues, change their rights, and end their access."""


class LookKind(StrEnum):
    """How somebody saw the content of a delivery in the inbox."""

    OPENED = "opened"
    PRINTED = "printed"


class QuestionEnd(StrEnum):
    """Why a question was closed without an answer: its agency no longer has what it asked about."""

    RETURNED = "returned"
    """The agency returned it."""
    RECALLED = "recalled"
    """The publisher took it back."""
    HANDED_OVER = "handed_over"
    """Another team has it now."""


class QuestionTopic(StrEnum):
    """What an agency asks the police about."""

    IDENTITY = "identity"
    """Who somebody is."""
    WHEREABOUTS = "whereabouts"
    """Where a child lives or is now."""
    CONTACT = "contact"
    """Whom the agency may speak to, and what about."""
    WHAT_HAPPENED = "what_happened"
    """What happened, or is said to have happened."""
    POLICE_ACTION = "police_action"
    """What the police do."""
    OTHER = "other"
