// Letters that Unicode does not decompose, as in the rules of PostgreSQL's `unaccent`, by the letters that people type instead. The
// last one is the sigma at the end of a word.
const undecomposed: Record<string, string> = {
  a: 'ᴀᶏⱥ',
  aa: 'ꜳ',
  ae: 'æᴁ',
  ao: 'ꜵ',
  au: 'ꜷ',
  av: 'ꜹꜻ',
  ay: 'ꜽ',
  b: 'ƀƃɓʙᴃᵬᶀ',
  c: 'ƈȼɕᴄꞓ',
  d: 'ðđƌȡɖɗᴅᴆᵭᶁᶑꝱꝺ',
  db: 'ȸ',
  dz: 'ʣʥ',
  e: 'ɇɛᴇᶒᶓⱸ',
  f: 'ƒᵮᶂꜰꝼ',
  g: 'ǥɠɡɢʛᶃꞡ',
  h: 'ħɦɧʜⱨ',
  hv: 'ƕ',
  i: 'ıɨɩɪᵻᶖ',
  j: 'ȷɉɟʝᴊ',
  k: 'ƙᴋᶄⱪꝁꝃꝅꞣ',
  l: 'łƚȴɫɬɭʟᴌᶅⱡꝇꝉꝲ',
  ll: 'ỻ',
  ls: 'ʪ',
  lz: 'ʫ',
  m: 'ɱᴍᵯᶆꝳ',
  n: 'ŋƞȵɲɳɴᵰᶇꝴꞑꞥ',
  o: 'øᴏⱺꝋꝍ',
  oe: 'œɶ',
  oi: 'ƣ',
  oo: 'ꝏ',
  p: 'ƥᴘᵱᵽᶈꝑꝓꝕ',
  q: 'ĸʠꝗꝙ',
  qp: 'ȹ',
  r: 'ɍɼɽɾʀᵲᵳᶉꝵꝶꞧ',
  s: 'ȿʂᵴᶊẜẝꜱꞩ',
  ss: 'ß',
  t: 'ŧƫƭȶʈᴛᵵⱦꝷꞇ',
  th: 'þᵺꝥꝧ',
  ts: 'ʦ',
  u: 'ʉᴜᵾᶙ',
  ue: 'ᵫ',
  v: 'ʋᴠᶌỽⱱⱴꝟ',
  vy: 'ꝡ',
  w: 'ᴡⱳ',
  x: 'ᶍ',
  y: 'ƴɏʏỿ',
  z: 'ƶȥɀʐʑᴢᵶᶎⱬ',
  σ: 'ς',
}
const typed = new Map(
  Object.entries(undecomposed).flatMap(([text, letters]) => [...letters].map((letter) => [letter, text])),
)

/**
 * Removes accents, compatibility forms and case, but keeps other letters and punctuation: `'Ångström, ﬁn & Łódź'` →
 * `'angstrom, fin & łodz'`.
 */
export const removeAccents = (value: string): string =>
  value
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()

/** Normalises text for search: as {@link removeAccents}, and letters without accents too. `'Łukasz Straße'` → `'lukasz strasse'`. */
export const foldText = (value: string): string =>
  removeAccents(value).replace(/[\u0080-\uffff]/g, (letter) => typed.get(letter) ?? letter)

// An apostrophe stands within a word, other punctuation between two.
const apostrophes = /['`\u02b9\u02bb-\u02bd\u02c8\u02cb\u2018-\u201b\u2032]/g

// A code, a number or an e-mail address is searched as it is, so punctuation counts only in a word without digits and @. Beyond ASCII,
// these are the Latin letters that have no accents, the final sigma, and the punctuation of all scripts.
const special =
  '\\u0080-\\u02ff\\u03c2\\u05f3\\u05f4\\u1d00-\\u1eff\\u2000-\\u206f\\u2c60-\\u2c7f\\u3000-\\u303f\\u30fb\\ua720-\\ua7ff\\uab30-\\uab6f'
const unfolded = `[${special}]|(^| )[^ !-@[-\`{-~]*[!-/:-?[-\`{-~][^ @0-9]*( |$)`
const unfoldedPattern = new RegExp(unfolded)

/** Separates the texts of a record from the folded forms of their words. No text contains it, because it is a control character. */
const separator = '\u001f'

/**
 * Returns the folded forms of a word, each as its terms: all letters joined, and the words between its punctuation. `'o’neil'` →
 * `[['oneil']]`; `'coca-cola'` → `[['cocacola'], ['coca', 'cola']]`; `'anna'` → `[]`.
 */
export const foldedForms = (word: string): string[][] => {
  if (!unfoldedPattern.test(word)) return []
  const folded = foldText(word).replace(apostrophes, '')
  const parts = folded.split(/[^\p{L}\p{N}]+/u).filter((part) => part !== '')
  if (parts.length === 0) return []
  if (parts[0] === folded) return [[folded]]
  const forms = parts.length === 1 ? [parts] : [[parts.join('')], parts]
  // A letter alone begins a word of nearly every text: the `c` of `c++`.
  return forms.filter((terms) => terms.every((term) => [...term].length > 1))
}

/**
 * Writes the text of a record that `q` searches: its texts without accents, and then the folded forms of words that have any.
 * `['Ann', 'O’Neil']` → `'ann o’neil \u001f oneil'`.
 */
export const searchTextOf = (texts: readonly (string | null | undefined)[]): string => {
  const text = removeAccents(texts.filter((each) => each).join(' '))
  if (!unfoldedPattern.test(text)) return text
  const words = text.split(/\s+/)
  const terms = words.flatMap(foldedForms).flat()
  return [text, separator, ...new Set(terms.filter((term) => !words.includes(term)))].join(' ')
}

/**
 * The SQL condition for a search text that lacks the folded forms, because a release before this one wrote it. A partial index has the
 * same condition.
 */
export const lacksFoldedForms = `search_text ~ '${unfolded}' and search_text not like '%${separator}%'`
