import countries from 'i18n-iso-countries/index.js'

/** The ISO 3166-1 alpha-2 codes of all countries, and `XK`, which is in general use for Kosovo. */
export const countryCodes: readonly string[] = Object.keys(countries.getAlpha2Codes())

const known = new Set(countryCodes)

/** Whether a text is the ISO 3166-1 alpha-2 code of a country, in capital letters. */
export const isCountry = (code: string): boolean => known.has(code)

/** The alpha-2 code for an alpha-3 code: `DEU` → `DE`; undefined if it is none. */
export const fromAlpha3 = (code: string): string | undefined => countries.alpha3ToAlpha2(code.toUpperCase())
