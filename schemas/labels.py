"""What each code in a referral means, in words: for the field guide and the API's description."""

from __future__ import annotations

from collections.abc import Mapping

Labels = Mapping[str, str]
"""A sentence or a name for each code of one closed list."""

GRADES: Labels = {
    "immediate": "A child is in danger now",
    "very_high": "Very high risk",
    "high": "High risk",
    "medium": "Medium risk",
    "low": "Low risk",
}
GRADE_NAMES: Labels = {
    "immediate": "Immediate",
    "very_high": "Very high",
    "high": "High",
    "medium": "Medium",
    "low": "Low",
}
"""The grades as one says them in a line."""
MARKINGS: Labels = {
    "OFFICIAL": "Routine public sector information",
    "OFFICIAL-SENSITIVE": "Harm may follow if it is lost or published: share only as needed",
}
NO_CONTACT_WITH: Labels = {
    "family": "The child's family",
    "school": "The child's school",
    "employer": "The employer of the person who may pose a risk",
    "person_posing_risk": "The person who may pose a risk",
}
SEXES: Labels = {
    "female": "Female",
    "male": "Male",
    "indeterminate": "Cannot be classified as male or female",
    "unknown": "Not known",
}
ETHNICITIES: Labels = {
    "WBRI": "White: British",
    "WIRI": "White: Irish",
    "WIRT": "White: Traveller of Irish heritage",
    "WROM": "White: Gypsy or Roma",
    "WOTH": "White: any other background",
    "MWBC": "Mixed: White and Black Caribbean",
    "MWBA": "Mixed: White and Black African",
    "MWAS": "Mixed: White and Asian",
    "MOTH": "Mixed: any other background",
    "AIND": "Asian or Asian British: Indian",
    "APKN": "Asian or Asian British: Pakistani",
    "ABAN": "Asian or Asian British: Bangladeshi",
    "AOTH": "Asian or Asian British: any other background",
    "CHNE": "Chinese",
    "BCRB": "Black or Black British: Caribbean",
    "BAFR": "Black or Black British: African",
    "BOTH": "Black or Black British: any other background",
    "OOTH": "Any other ethnic group",
    "REFU": "Refused to say",
    "NOBT": "Not yet obtained",
    "W1": "White: English, Welsh, Scottish, Northern Irish or British (self-defined, as all to NS)",
    "W2": "White: Irish",
    "W3": "White: Gypsy or Irish Traveller",
    "W9": "White: any other background",
    "M1": "Mixed: White and Black Caribbean",
    "M2": "Mixed: White and Black African",
    "M3": "Mixed: White and Asian",
    "M9": "Mixed: any other background",
    "A1": "Asian or Asian British: Indian",
    "A2": "Asian or Asian British: Pakistani",
    "A3": "Asian or Asian British: Bangladeshi",
    "A4": "Asian or Asian British: Chinese",
    "A9": "Asian or Asian British: any other background",
    "B1": "Black or Black British: Caribbean",
    "B2": "Black or Black British: African",
    "B9": "Black or Black British: any other background",
    "O1": "Chinese, in the older list of 16+1",
    "O2": "Arab",
    "O9": "Any other ethnic group",
    "NS": "Not stated",
    "IC1": "Appearance: White, North European",
    "IC2": "Appearance: White, South European",
    "IC3": "Appearance: Black",
    "IC4": "Appearance: South Asian",
    "IC5": "Appearance: East or South East Asian",
    "IC6": "Appearance: Arab or North African",
    "IC9": "Appearance: not known",
}
ETHNICITY_BASES: Labels = {
    "self_defined": "The child said so",
    "parent_stated": "A parent said so",
    "officer_observed": "An officer judged it by sight",
}
DISABILITIES: Labels = {
    "NONE": "No disability",
    "MOB": "Mobility",
    "HAND": "Hand function",
    "PC": "Personal care",
    "INC": "Incontinence",
    "COMM": "Communication",
    "LD": "Learning",
    "HEAR": "Hearing",
    "VIS": "Vision",
    "BEH": "Behaviour",
    "CON": "Consciousness, such as epilepsy",
    "AUT": "Autism",
    "DDA": "Another disability under the Equality Act 2010",
}
HEALTH_NEEDS: Labels = {
    "injury": "An injury",
    "self_harm": "Self-harm, or thoughts of suicide",
    "sexual_health": "Sexual health",
    "mental_health": "Mental health",
}
MISSING_STATUSES: Labels = {
    "not_missing": "Not missing",
    "missing": "Missing now",
    "absent": "Not where expected, and no apparent risk",
    "returned": "Was missing, and is back",
}
ROLE_KINDS: Labels = {
    "employment": "Paid work",
    "volunteering": "Voluntary work",
    "foster_carer": "Foster carer",
    "registered_childminder": "Registered childminder",
    "other": "Something else",
}
MANAGEMENT_STATUSES: Labels = {
    "none": "Not managed as an offender",
    "registered_sex_offender": "Registered sex offender",
    "on_licence": "Released on licence",
    "community_order": "Serves a community order",
    "mappa": "Under multi-agency public protection arrangements (MAPPA)",
    "other": "Managed in another way",
}
MANAGERS: Labels = {"police": "The police", "probation": "The probation service"}
CONTACT_NATURES: Labels = {
    "lives_with": "Lives with the child",
    "regular": "Sees the child regularly",
    "occasional": "Sees the child now and then",
    "online_only": "Online only",
    "none": "No contact",
    "unknown": "Not known",
}
PLATFORM_KINDS: Labels = {
    "social": "Social network",
    "messaging": "Messages",
    "gaming": "Game",
    "live_streaming": "Live streaming",
    "file_sharing": "File sharing or storage",
    "dating": "Dating",
    "forum": "Forum",
    "email": "Email",
    "search": "Search engine",
    "other": "Something else",
}
IP_EVENTS: Labels = {
    "login": "Signed in",
    "registration": "Opened the account",
    "purchase": "Bought something",
    "upload": "Uploaded something",
    "message": "Sent a message",
    "other": "Something else",
    "unknown": "Not known",
}
REPORT_SOURCES: Labels = {
    "NCMEC": "National Center for Missing & Exploited Children (CyberTipline)",
    "IWF": "Internet Watch Foundation",
    "CAID": "Child Abuse Image Database",
    "NCA": "National Crime Agency",
    "CEOP": "CEOP Safety Centre, for reports by children and adults",
    "FBI": "Federal Bureau of Investigation",
    "Europol": "Europol",
    "Interpol": "Interpol",
    "force": "Another police force of the United Kingdom",
    "foreign_force": "A police force abroad",
    "platform": "The platform itself",
    "school": "A school or college",
    "parent": "A parent or carer",
    "other": "Somebody else; say who in source_name",
}
HASH_ALGORITHMS: Labels = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha512": "SHA-512",
    "photodna": "PhotoDNA, a perceptual hash",
    "pdq": "PDQ, a perceptual hash",
    "phash": "pHash, a perceptual hash",
    "tmk": "TMK+PDQF, a perceptual hash of films",
    "other": "Another one",
}
CONCERN_CATEGORIES: Labels = {
    "image_offence": "Indecent images of children are made, kept or shared",
    "grooming": "Sexual communication with a child, or grooming",
    "sextortion": "A child is blackmailed with sexual images",
    "contact_abuse": "Sexual abuse in person",
    "livestreaming": "Abuse is streamed live",
    "self_generated": "A child made images of themselves",
    "other": "Something else",
}
CONCERN_TITLES: Labels = {
    "image_offence": "Images of child abuse",
    "grooming": "Grooming",
    "sextortion": "Sexual extortion",
    "contact_abuse": "Abuse in person",
    "livestreaming": "Livestreamed abuse",
    "self_generated": "Self-made images",
    "other": "Another concern",
}
"""The categories of concern as the beginning of a headline."""
SOURCE_EVALUATIONS: Labels = {"1": "Reliable", "2": "Untested", "3": "Not reliable"}
INFORMATION_EVALUATIONS: Labels = {
    "A": "Known directly",
    "B": "Known indirectly, and corroborated",
    "C": "Known indirectly",
    "D": "Not known",
    "E": "Suspected to be false",
}
INTELLIGENCE_HANDLING: Labels = {
    "P": "May be shared lawfully",
    "C": "May be shared lawfully under the conditions given",
}
UNKNOWN: Labels = {
    "not_asked": "Nobody asked",
    "refused": "The person was asked and did not say",
    "not_yet_known": "Not known yet; it will be sent when it is known",
}
UNKNOWN_NAMES: Labels = {
    "not_asked": "Nobody asked",
    "refused": "Asked, and did not say",
    "not_yet_known": "Not known yet",
}
"""The same in a few words, where it is said beside it whether it will come."""
NOT_RECORDED = "Nobody recorded this"
"""Of a fact that is not mentioned at all."""
RECALL_REASONS: Labels = {
    "sent_in_error": "It was sent by mistake.",
    "wrong_person": "It is about the wrong person.",
    "inaccurate": "It is not accurate.",
    "unlawful": "It should not have been shared.",
    "no_longer_addressed": "The police have corrected it, and it does not concern you any more.",
}
"""Why a referral was taken back."""
QUESTION_ENDS: Labels = {
    "returned": "The agency returned the referral.",
    "recalled": "The police took the referral back.",
    "handed_over": "Another team has the referral now.",
}
"""Why a question to the police was closed without an answer."""
