import type { Content } from '../notifications/notification.model.ts'
import type { Language } from './locale.ts'
import { formatMoney } from './money.ts'
import { segmentsOf } from './sms-length.ts'

type Values = { name: string | undefined; number: string; total: string; shop: string }
type Texts = {
  subject(values: Values): string
  short(values: Values): string
  greeting(name?: string): string
  body(values: Values): string
}

const named = (hello: string) => (name?: string) => (name === undefined ? `${hello},` : `${hello} ${name},`)

// Short texts keep to letters that are in the alphabet of a text.
const texts: Record<Language, Texts> = {
  en: {
    subject: ({ number, shop }) => `Your order ${number} at ${shop}`,
    short: ({ name, number, total, shop }) =>
      `${name ? `${name}, thank` : 'Thank'} you for your order ${number}: ${total}. ${shop}`,
    greeting: named('Hello'),
    body: ({ number, total }) => `Thank you for your order ${number}. Its total is ${total}.`,
  },
  es: {
    subject: ({ number, shop }) => `Su pedido ${number} en ${shop}`,
    short: ({ name, number, total, shop }) =>
      `${name ? `${name}, gracias` : 'Gracias'} por su pedido ${number}: ${total}. ${shop}`,
    greeting: named('Hola'),
    body: ({ number, total }) => `Gracias por su pedido ${number}. El total es ${total}.`,
  },
  fr: {
    subject: ({ number, shop }) => `Votre commande ${number} chez ${shop}`,
    short: ({ name, number, total, shop }) =>
      `${name ? `${name}, merci` : 'Merci'} pour votre commande ${number} : ${total}. ${shop}`,
    greeting: named('Bonjour'),
    body: ({ number, total }) => `Merci pour votre commande ${number}. Son montant total est de ${total}.`,
  },
  sw: {
    subject: ({ number, shop }) => `Oda yako ${number} kutoka ${shop}`,
    short: ({ name, number, total, shop }) =>
      `${name ? `${name}, asante` : 'Asante'} kwa oda yako ${number}: ${total}. ${shop}`,
    greeting: named('Habari'),
    body: ({ number, total }) => `Asante kwa oda yako ${number}. Jumla ni ${total}.`,
  },
  de: {
    subject: ({ number, shop }) => `Ihre Bestellung ${number} bei ${shop}`,
    short: ({ name, number, total, shop }) =>
      `${name ? `${name}, vielen` : 'Vielen'} Dank für Ihre Bestellung ${number}: ${total}. ${shop}`,
    greeting: named('Guten Tag'),
    body: ({ number, total }) => `vielen Dank für Ihre Bestellung ${number}. Die Summe beträgt ${total}.`,
  },
  pt: {
    subject: ({ number, shop }) => `O seu pedido ${number} em ${shop}`,
    short: ({ name, number, total, shop }) =>
      `${name ? `${name}, agradecemos` : 'Agradecemos'} o seu pedido ${number}: ${total}. ${shop}`,
    greeting: named('Olá'),
    body: ({ number, total }) => `Agradecemos o seu pedido ${number}. O total é ${total}.`,
  },
}

const mostSegments = 2
// One line: what was typed as a name never begins a header or a line of its own.
const oneLine = (text: string, most: number): string =>
  [...text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()].slice(0, most).join('')

type Options = { name: string | null; shop: string; locale: string; language: Language }

/** The confirmation of an order: `short` for a text of two segments at most, `subject` and `text` for an e-mail. */
export const orderPlacedTexts = (content: Content, { name, shop, locale, language }: Options) => {
  const { subject, short, greeting, body } = texts[language]
  const values: Values = {
    name: oneLine(name ?? '', 60) || undefined,
    number: oneLine(content.number, 40),
    total: formatMoney(content.total, content.currency, locale),
    shop: oneLine(shop, 40),
  }
  const whole = short(values)
  return {
    short: segmentsOf(whole) > mostSegments ? short({ ...values, name: undefined }) : whole,
    subject: subject(values),
    text: `${greeting(values.name)}\n\n${body(values)}\n\n${values.shop}\n`,
  }
}
