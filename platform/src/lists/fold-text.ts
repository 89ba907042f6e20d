/** What search columns hold: compatibility forms decomposed, no accents, lower case. */
export const foldText = (value: string): string =>
  value
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
