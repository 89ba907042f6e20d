import type { Content } from '../notifications/notification.model.ts'
import type { Language } from './locale.ts'
import { formatMoney, formatSmsMoney } from './money.ts'
import { countSegments, toPlainText } from './sms-text.ts'

type Values = { name: string | undefined; number: string; total: string; shop: string }
type Texts = {
  subject(values: Values): string
  sms(values: Values): string
  greeting(name?: string): string
  body(values: Values): string
}

const greetByName = (hello: string) => (name?: string) => (name === undefined ? `${hello},` : `${hello} ${name},`)

// SMS texts use only characters of the GSM alphabet.
const texts: Record<Language, Texts> = {
  en: {
    subject: ({ number, shop }) => `Your order ${number} at ${shop}`,
    sms: ({ name, number, total, shop }) =>
      `${name ? `${name}, thank` : 'Thank'} you for your order ${number}: ${total}. ${shop}`,
    greeting: greetByName('Hello'),
    body: ({ number, total }) => `Thank you for your order ${number}. Its total is ${total}.`,
  },
  es: {
    subject: ({ number, shop }) => `Su pedido ${number} en ${shop}`,
    sms: ({ name, number, total, shop }) =>
      `${name ? `${name}, gracias` : 'Gracias'} por su pedido ${number}: ${total}. ${shop}`,
    greeting: greetByName('Hola'),
    body: ({ number, total }) => `Gracias por su pedido ${number}. El total es ${total}.`,
  },
  fr: {
    subject: ({ number, shop }) => `Votre commande ${number} chez ${shop}`,
    sms: ({ name, number, total, shop }) =>
      `${name ? `${name}, merci` : 'Merci'} pour votre commande ${number} : ${total}. ${shop}`,
    greeting: greetByName('Bonjour'),
    body: ({ number, total }) => `Merci pour votre commande ${number}. Son montant total est de ${total}.`,
  },
  sw: {
    subject: ({ number, shop }) => `Oda yako ${number} kutoka ${shop}`,
    sms: ({ name, number, total, shop }) =>
      `${name ? `${name}, asante` : 'Asante'} kwa oda yako ${number}: ${total}. ${shop}`,
    greeting: greetByName('Habari'),
    body: ({ number, total }) => `Asante kwa oda yako ${number}. Jumla ni ${total}.`,
  },
  de: {
    subject: ({ number, shop }) => `Ihre Bestellung ${number} bei ${shop}`,
    sms: ({ name, number, total, shop }) =>
      `${name ? `${name}, vielen` : 'Vielen'} Dank für Ihre Bestellung ${number}: ${total}. ${shop}`,
    greeting: greetByName('Guten Tag'),
    body: ({ number, total }) => `vielen Dank für Ihre Bestellung ${number}. Die Summe beträgt ${total}.`,
  },
  pt: {
    subject: ({ number, shop }) => `O seu pedido ${number} em ${shop}`,
    sms: ({ name, number, total, shop }) =>
      `${name ? `${name}, agradecemos` : 'Agradecemos'} o seu pedido ${number}: ${total}. ${shop}`,
    greeting: greetByName('Olá'),
    body: ({ number, total }) => `Agradecemos o seu pedido ${number}. O total é ${total}.`,
  },
}

// Line breaks in a name must not start a new line or an e-mail header.
const oneLine = (text: string, maxCharacters: number): string =>
  [...text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()].slice(0, maxCharacters).join('')

/** What a reader could take for an address, a number or a link. A name with it would let its author write to strangers. */
const addressLike = /[\d/\\@]|\p{L}\.\p{L}|\bwww\b/iu

/** The name as a message may contain it; undefined if there is none, or if it could be read as an address. */
const safeName = (name: string | null): string | undefined => {
  const text = oneLine((name ?? '').normalize('NFKC'), 60)
  return text === '' || addressLike.test(text) ? undefined : text
}

type Options = { name: string | null; shop: string; locale: string; language: Language }

/**
 * Renders the confirmation of an order: `sms`, `subject` and `text` for an e-mail. The SMS has one segment where that is possible, so
 * it uses characters of the GSM alphabet and leaves out a name that would cost a segment.
 */
export const renderOrderPlaced = (content: Content, { name, shop, locale, language }: Options) => {
  const { subject, sms, greeting, body } = texts[language]
  const values: Values = {
    name: safeName(name),
    number: oneLine(content.number, 40),
    total: formatMoney(content.total, content.currency, locale),
    shop: oneLine(shop, 40),
  }
  const smsTotal = formatSmsMoney(content.total, content.currency, locale)
  const renderSms = (name: string | undefined) => toPlainText(sms({ ...values, name, total: smsTotal }))
  const [withName, withoutName] = [renderSms(values.name), renderSms(undefined)]
  return {
    sms: countSegments(withName) > countSegments(withoutName) ? withoutName : withName,
    subject: subject(values),
    text: `${greeting(values.name)}\n\n${body(values)}\n\n${values.shop}\n`,
  }
}
