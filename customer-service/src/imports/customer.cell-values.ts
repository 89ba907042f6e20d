import { countryCodes, fromAlpha3 } from '../customers/countries.ts'
import { toE164 } from '../customers/customer.input.ts'

const languages = ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'pl', 'ru', 'tr', 'ar', 'ja', 'zh', 'sw']
// Names that the Unicode CLDR, where Intl.DisplayNames has its names from, does not have.
const otherNames: Record<string, string> = {
  ...{ uk: 'GB', england: 'GB', scotland: 'GB', wales: 'GB', 'great britain': 'GB', usa: 'US' },
  ...{ 'united states of america': 'US', holland: 'NL', 'czech republic': 'CZ', turkey: 'TR', uae: 'AE' },
}

const normalise = (name: string): string => name.trim().normalize('NFKC').toLowerCase()

let known: Map<string, string> | undefined
/** The codes of countries by their names in {@link languages}. */
const countriesByName = (): Map<string, string> => {
  if (known) return known
  const names = languages.flatMap((language) => {
    const displayNames = new Intl.DisplayNames(language, { type: 'region' })
    return countryCodes.map((code): [string, string] => [normalise(displayNames.of(code) ?? code), code])
  })
  known = new Map([...names, ...Object.entries(otherNames)])
  return known
}

/** The ISO 3166-1 alpha-2 code of a country by its name in fourteen languages or its alpha-3 code: `Deutschland`, `DEU` → `DE`. */
export const parseCountry = (text: string): string => {
  const code = text.trim().toUpperCase()
  return countriesByName().get(normalise(text)) ?? fromAlpha3(code) ?? (code.length === 2 ? code : text.trim())
}

/** A language as the API writes it: `EN` → `en`, `pt_br` → `pt-BR`. Other texts are unchanged. */
export const parseLanguage = (text: string): string => {
  try {
    return Intl.getCanonicalLocales(text.trim().replaceAll('_', '-'))[0] ?? text
  } catch {
    return text
  }
}

/** The first of several values, as Google Contacts writes them: `a@x.com ::: b@x.com`. */
export const firstValue = (text: string): string => text.split(':::')[0]?.trim() ?? text

// `ext. 12`, `x12`, `#12`, `Durchwahl 12`, `DW 12`, `poste 12`, `int. 12`, `доб. 12`, and `;ext=12` of a tel: address.
const extension = /^(.*\d[^\p{L}\d]*?)[\s,;(]*(?:extension|ext|x|#|durchwahl|dw|poste|int|доб)[\s.:=]*(\d{1,8})\)?$/iu

/** Splits an extension off a telephone number: `030 901820 ext. 12` → number `030 901820`, extension `12`. */
export const splitExtension = (text: string): { number: string; extension?: string } => {
  const [, number, digits] = extension.exec(firstValue(text).slice(0, 100)) ?? []
  return number === undefined || digits === undefined ? { number: text } : { number, extension: digits }
}

/**
 * A telephone number without the marks that address books add: invisible characters, `tel:`, typographic hyphens and spaces, and
 * `00` for `+`. A national number gets the code of `country`. A text that is no number keeps its characters.
 */
export const parsePhone = (text: string, country: string | undefined): string => {
  const plain = firstValue(text)
    .replace(/\p{Cf}/gu, '')
    .replace(/\p{Zs}/gu, ' ')
    .replace(/\p{Pd}/gu, '-')
    .trim()
    .replace(/^tel:/i, '')
    .replace(/^00(?=[1-9])/, '+')
  if (plain.startsWith('+') || country === undefined) return plain
  return toE164(plain, country) ?? plain
}

/** The object of a cell with a JSON object, as an export writes `metadata`: `{"size":"L"}`. Other texts are unchanged. */
export const parseMetadata = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : text
  } catch {
    return text
  }
}
