/** The languages that there are texts in. */
export const languages = ['en', 'es', 'fr', 'sw', 'de', 'pt'] as const
export type Language = (typeof languages)[number]

const languageOf = (locale: string): Language | undefined => {
  const [base] = locale.split('-')
  return languages.find((language) => language === base)
}

/**
 * The customer's locale where there are texts in its language, else the shop's, else English. The whole tag counts for
 * numbers: es-MX writes them otherwise than es.
 */
export const chooseLocale = (customer: string | null, shop: string): { locale: string; language: Language } => {
  for (const locale of [customer, shop]) {
    const language = locale === null ? undefined : languageOf(locale)
    if (locale !== null && language !== undefined) return { locale, language }
  }
  return { locale: 'en', language: 'en' }
}
