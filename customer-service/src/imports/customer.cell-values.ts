import { parseYesNo } from '@clientele/features/imports/yes-no'
import { parseListCell } from '@clientele/features/tables/cell'
import { countryCodes, fromAlpha3 } from '../customers/countries.ts'
import { toE164 } from '../customers/customer.input.ts'

const languages = ['en', 'de', 'fr', 'es', 'pt', 'it', 'nl', 'pl', 'ru', 'tr', 'ar', 'ja', 'zh', 'sw']
// Names that the Unicode CLDR, where Intl.DisplayNames has its names from, does not have.
const otherNames: Record<string, string> = {
  ...{ uk: 'GB', scotland: 'GB', wales: 'GB', 'great britain': 'GB', usa: 'US' },
  ...{
    großbritannien: 'GB',
    'grande-bretagne': 'GB',
    'gran bretaña': 'GB',
    'grã-bretanha': 'GB',
    'gran bretagna': 'GB',
  },
  ...{ 'groot-brittannië': 'GB', 'büyük britanya': 'GB', inglaterra: 'GB', england: 'GB', 英國: 'GB' },
  ...{
    'united states of america': 'US',
    'u.s.a.': 'US',
    'u.s.': 'US',
    eua: 'US',
    'ee.uu.': 'US',
    eeuu: 'US',
    сша: 'US',
  },
  ...{ abd: 'US', アメリカ: 'US', 米国: 'US', 美國: 'US', marekani: 'US' },
  ...{ holland: 'NL', 'czech republic': 'CZ', 'république tchèque': 'CZ', turkey: 'TR', uae: 'AE' },
}

const normalise = (name: string): string => name.trim().normalize('NFKC').replaceAll('’', "'").toLowerCase()

/** Returns the codes by their names in {@link languages}. */
const codesByName = (type: 'region' | 'language', codes: readonly string[]): Map<string, string> =>
  new Map(
    languages.flatMap((language) => {
      const names = new Intl.DisplayNames(language, { type, fallback: 'none' })
      return codes.flatMap((code): [string, string][] => {
        const name = names.of(code)
        return name === undefined ? [] : [[normalise(name), code]]
      })
    }),
  )

const alphabet = [...'abcdefghijklmnopqrstuvwxyz']
const twoLetterCodes = alphabet.flatMap((first) => alphabet.map((second) => first + second))

let countries: Map<string, string> | undefined
let languageNames: Map<string, string> | undefined

/**
 * The ISO 3166-1 code of a country by its name in fourteen languages or its code of two or three letters: `Deutschland`, `DEU` and
 * `de` → `DE`. Other texts are unchanged.
 */
export const parseCountry = (text: string): string => {
  countries ??= new Map([...codesByName('region', countryCodes), ...Object.entries(otherNames)])
  const code = text.trim().toUpperCase()
  const known = countries.get(normalise(text)) ?? fromAlpha3(code)
  return known ?? (code.length === 2 ? code : text.trim())
}

/** A language as the API writes it: `Deutsch` → `de`, `EN` → `en`, `pt_br` → `pt-BR`. Other texts are unchanged. */
export const parseLanguage = (text: string): string => {
  languageNames ??= codesByName('language', twoLetterCodes)
  const code = languageNames.get(normalise(text))
  if (code !== undefined) return code
  try {
    return Intl.getCanonicalLocales(text.trim().replaceAll('_', '-'))[0] ?? text
  } catch {
    return text
  }
}

const subscriptions: Record<string, boolean> = {
  subscribed: true,
  unsubscribed: false,
  'never subscribed': false,
  'not subscribed': false,
}

/** Whether a customer wants no text messages, by a column that says whether they want some: `no` and `Unsubscribed` → true. */
export const parseSmsOptIn = (value: unknown): unknown => {
  const known = typeof value === 'string' ? subscriptions[normalise(value).replaceAll('_', ' ')] : undefined
  const optIn = known ?? parseYesNo(value)
  return typeof optIn === 'boolean' ? !optIn : value
}

/** The tags of a cell; undefined if it only has groups that Google Contacts made by itself. */
export const parseTags = (text: string): unknown[] | undefined => {
  const tags = parseListCell(text)
  return tags.length === 0 && !text.startsWith('[') ? undefined : tags
}

/** The first of several e-mail addresses: `a@x.com ::: b@x.com` and `a@x.com, b@x.com` → `a@x.com`. */
export const parseEmail = (text: string): string => {
  const parts = text.split(/:::|[,;]/).map((part) => part.trim())
  return parts.every((part) => part === '' || part.includes('@')) ? (parts.find((part) => part !== '') ?? text) : text
}

// `tel:`, `Phone:` and `Mobile:` stand before a number, and a comma, a semicolon or `:::` between two.
const betweenNumbers = /:::|[,;]|\p{L}[\p{L} ]*:/u

// `ext. 12`, `x12`, `#12`, `Durchwahl 12`, `DW 12`, `poste 12`, `int. 12`, `доб. 12`, and `;ext=12` of a tel: address.
const extension = /^(.*\d[^\p{L}\d]*?)[\s,;(]*(?:extension|ext|x|#|durchwahl|dw|poste|int|доб)[\s.:=]*(\d{1,8})\)?$/iu

/** Splits an extension off a telephone number: `030 901820 ext. 12` → number `030 901820`, extension `12`. */
export const splitExtension = (text: string): { number: string; extension?: string } => {
  const [, number, digits] = extension.exec((text.split(':::')[0] ?? '').trim().slice(0, 100)) ?? []
  return number === undefined || digits === undefined ? { number: text } : { number, extension: digits }
}

/**
 * A telephone number without the marks that address books add: invisible characters, labels such as `tel:`, typographic hyphens and
 * spaces, and `00` for `+`. A national number gets the code of `country`. Of several, the first one. A text that is no number keeps
 * its characters.
 * @param withoutPlus whether numbers have a country code without a plus
 */
export const parsePhone = (text: string, country: string | undefined, withoutPlus = false): string => {
  const clean = text
    .replace(/\p{Cf}/gu, '')
    .replace(/\p{Zs}/gu, ' ')
    .replace(/\p{Pd}/gu, '-')
  const first = clean.split(betweenNumbers).find((part) => /\d/.test(part)) ?? clean
  const plain = first.trim().replace(/^00(?=[1-9])/, '+')
  if (plain.startsWith('+')) return plain
  if (withoutPlus && /^[1-9][\d -]{7,}$/.test(plain)) return `+${plain}`
  return country === undefined ? plain : (toE164(plain, country) ?? plain)
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
