/** Normalises text for search: `'Ångström ﬁn'` → `'angstrom fin'`. */
export const foldText = (value: string): string =>
  value
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
