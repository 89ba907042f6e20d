import type { PublicSettings } from '@clientele/contracts/installation'
import { revocationConfig } from '@clientele/platform/auth/revocation-config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import {
  ConfigError,
  commaList,
  httpUrl,
  integer,
  loadConfig,
  serviceConfig,
  shopTimeZone,
} from '@clientele/platform/runtime/config'
import { isSupportedCountry } from 'libphonenumber-js'
import { z } from 'zod'

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters')
const mailbox = /^(?:[^<>\p{Cc}]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/u

const countries = commaList
  .transform((list) => list.map((code) => code.toUpperCase()))
  .refine(
    (list) => list.join() === '*' || (list.length > 0 && list.every((code) => isSupportedCountry(code))),
    'must be country codes such as KE,UG, or * for every country',
  )

export const configShape = {
  ...serviceConfig,
  ...revocationConfig,
  ...databaseConfig,
  /** Whole customers are read from there for `include=customer`. */
  customerServiceUrl: httpUrl,
  /** Its internal port, from which the projection of customers is completed. */
  customerServiceInternalUrl: httpUrl,
  shopName: line(40).default('Clientele').describe('the sender that messages name'),
  shopLocale: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$/, 'must be a BCP 47 tag such as en or pt-BR')
    .default('en')
    .describe('the language of messages to customers without a supported locale'),
  shopTimeZone,
  smsProvider: z.enum(['log', 'africastalking']).default('log'),
  smsCatcherUrl: httpUrl
    .optional()
    .describe(
      'the page that shows text messages instead of sending them; only in the local profile, without a provider',
    ),
  africastalkingUsername: line(100).optional(),
  africastalkingApiKey: line(300).optional(),
  africastalkingSenderId: line(20).optional(),
  africastalkingUrl: httpUrl
    .optional()
    .describe(
      "the URL of Africa's Talking's API; default: the sandbox for the username sandbox, the live API for others",
    ),
  smsCountries: countries
    .optional()
    .describe('the countries whose numbers get text messages; required with a provider that charges for them'),
  maxMessagesPerRecipient: integer(1, 100_000_000)
    .default(5)
    .describe('messages to one number or address per hour; further ones are skipped'),
  maxMessagesPerAuthor: integer(1, 100_000_000)
    .default(1_000)
    .describe('messages that one user or client causes per day; further ones are skipped'),
  maxMessagesPerDay: integer(1, 100_000_000)
    .default(10_000)
    .describe('messages of the installation per day; further ones are skipped'),
  smtpUrl: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe('without it no e-mails are sent'),
  mailFrom: z
    .string()
    .max(320)
    .regex(mailbox, 'must be an address, such as shop@example.com or Shop <shop@example.com>')
    .optional(),
  /** The secret in the URL that the provider posts delivery reports to. Without it that URL responds with 404. */
  callbackSecret: z
    .string()
    .regex(/^[\w-]{24,200}$/, 'must have 24 to 200 letters, digits, - or _')
    .optional(),
  sendTimeoutMs: integer(1_000, 120_000).default(20_000).describe('how long a provider may take to respond'),
  sendConcurrency: integer(1, 100).default(10).describe('messages that one process sends at the same time'),
}
export type NotificationConfig = z.infer<z.ZodObject<typeof configShape>>

/** The settings that everybody may know. */
export const publicSettings = (config: NotificationConfig): PublicSettings => ({
  shop: { name: config.shopName, locale: config.shopLocale, timeZone: config.shopTimeZone },
})

/** Checks what depends on several settings. @throws ConfigError that lists every invalid setting */
export const checkConfig = (config: NotificationConfig): NotificationConfig => {
  const errors: string[] = []
  if (config.smsProvider === 'africastalking') {
    if (!config.africastalkingUsername) errors.push('AFRICASTALKING_USERNAME is missing')
    if (!config.africastalkingApiKey) errors.push('AFRICASTALKING_API_KEY is missing')
    if (!config.smsCountries)
      errors.push(
        'SMS_COUNTRIES is missing: set the countries of your customers, such as KE,UG, or * for every country',
      )
  }
  if (config.smsCatcherUrl && config.profile !== 'local')
    errors.push('SMS_CATCHER_URL sends nothing and is only for PROFILE=local: remove it')
  if (config.smtpUrl && !config.mailFrom) errors.push('MAIL_FROM is missing: SMTP_URL needs it')
  if (errors.length > 0) throw new ConfigError(`configuration: ${errors.join('; ')}`)
  return config
}

/** @throws ConfigError that lists every invalid setting */
export const config = (): NotificationConfig => checkConfig(loadConfig(configShape))
