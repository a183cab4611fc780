/** Replaces personal data in texts, by profiles: what is looked for, and what stands in its place. */
import { TokenmillError } from '../../core/errors.js';
import { DEFAULT_PII_RULES, findPii, PII_KINDS, type PiiKind, type PiiRules } from './find.js';

export interface MaskProfile {
  readonly rules: PiiRules;
  /** What stands in the place of each kind: several are used in turn, from the first in each text. */
  readonly replacements: Readonly<Partial<Record<PiiKind, readonly string[]>>>;
}

/** Kinds whose default mask is not just their name. */
const MASK_NAMES: Partial<Record<PiiKind, string>> = { email: 'EMAIL_ADDRESS', phone: 'PHONE_NUMBER' };

/** datatrove's replacements; the addresses did not answer when its authors chose them. */
const DATATROVE_EMAILS = ['email@example.com', 'firstname.lastname@example.org'];
const DATATROVE_IPS = [
  '22.214.171.124',
  '126.96.36.199',
  '188.8.131.52',
  '184.108.40.206',
  '220.127.116.11',
  '18.104.22.168',
];

export const MASK_PROFILES: Readonly<Record<string, MaskProfile>> = {
  /** All kinds, as `|||KIND|||`. */
  default: {
    rules: DEFAULT_PII_RULES,
    replacements: Object.fromEntries(
      PII_KINDS.map((kind) => [kind, [`|||${MASK_NAMES[kind] ?? kind.toUpperCase()}|||`]]),
    ),
  },
  /** Stanford CS336, assignment 4: e-mail addresses, phone numbers as written in the United States, IPv4 addresses. */
  cs336: {
    rules: {
      kinds: ['email', 'phone', 'ipv4'],
      publicAddressesOnly: false,
      phone: { country: 'US', check: 'possible' },
    },
    replacements: {
      email: ['|||EMAIL_ADDRESS|||'],
      phone: ['|||PHONE_NUMBER|||'],
      ipv4: ['|||IP_ADDRESS|||'],
    },
  },
  /** datatrove's PIIFormatter: e-mail addresses and public IPv4 addresses. */
  datatrove: {
    rules: { ...DEFAULT_PII_RULES, kinds: ['email', 'ipv4'] },
    replacements: { email: DATATROVE_EMAILS, ipv4: DATATROVE_IPS },
  },
};

/**
 * A profile by name, with other replacements where they are given.
 * @param overrides texts by kind: `{ email: '<email>' }`
 * @throws TokenmillError CONFIG_INVALID where there is no such profile or kind
 */
export function maskProfile(name: string, overrides: Readonly<Record<string, string>> = {}): MaskProfile {
  const profile = Object.hasOwn(MASK_PROFILES, name) ? MASK_PROFILES[name] : undefined;
  if (profile === undefined) {
    throw new TokenmillError('CONFIG_INVALID', `there is no profile ${name} for personal data`, {
      hint: `profiles are ${Object.keys(MASK_PROFILES).join(', ')}`,
    });
  }
  for (const kind of Object.keys(overrides)) {
    if ((PII_KINDS as readonly string[]).includes(kind)) continue;
    throw new TokenmillError('CONFIG_INVALID', `there is no kind ${kind} of personal data`, {
      hint: `kinds are ${PII_KINDS.join(', ')}`,
    });
  }
  const kinds = PII_KINDS.filter(
    (kind) => profile.rules.kinds.includes(kind) || Object.hasOwn(overrides, kind),
  );
  return {
    rules: { ...profile.rules, kinds },
    replacements: {
      ...profile.replacements,
      ...Object.fromEntries(Object.entries(overrides).map(([kind, text]) => [kind, [text]])),
    },
  };
}

export interface Masked {
  readonly text: string;
  /** How many of each kind were replaced. */
  readonly counts: Readonly<Record<PiiKind, number>>;
}

/** The text with its personal data replaced. Linear in the text. */
export function maskPii(text: string, profile: MaskProfile): Masked {
  const counts = Object.fromEntries(PII_KINDS.map((kind) => [kind, 0])) as Record<PiiKind, number>;
  let masked = '';
  let end = 0;
  for (const finding of findPii(text, profile.rules)) {
    const replacements = profile.replacements[finding.kind] ?? [''];
    masked += text.slice(end, finding.start) + replacements[counts[finding.kind] % replacements.length];
    counts[finding.kind] += 1;
    end = finding.end;
  }
  return { text: masked + text.slice(end), counts };
}
