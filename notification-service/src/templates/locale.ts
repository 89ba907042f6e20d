/** The languages of the texts. */
export const languages = ['en', 'es', 'fr', 'sw', 'de', 'pt'] as const
export type Language = (typeof languages)[number]

const languageOf = (locale: string): Language | undefined => {
  const [base] = locale.split('-')
  return languages.find((language) => language === base)
}

/**
 * Chooses the customer's locale if there are texts in its language, else the shop's, else English. The region matters for
 * numbers: es-MX writes 1,234.50, es writes 1234,50.
 */
export const chooseLocale = (customer: string | null, shop: string): { locale: string; language: Language } => {
  for (const locale of [customer, shop]) {
    const language = locale === null ? undefined : languageOf(locale)
    if (locale !== null && language !== undefined) return { locale, language }
  }
  return { locale: 'en', language: 'en' }
}
