import { databaseConfig } from '@clientele/platform/data/database-config'
import { ConfigError, httpUrl, integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { z } from 'zod'

const line = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters')
const mailbox = /^(?:[^<>\p{Cc}]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/u

export const configShape = {
  ...serviceConfig,
  ...databaseConfig,
  shopName: line(40).default('Clientele').describe('who messages are from'),
  shopLocale: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$/, 'must be a BCP 47 tag such as en or pt-BR')
    .default('en')
    .describe('the language of customers who have none that there are texts in'),
  smsProvider: z.enum(['log', 'africastalking']).default('log'),
  africastalkingUsername: line(100).optional(),
  africastalkingApiKey: line(300).optional(),
  africastalkingSenderId: line(20).optional(),
  africastalkingUrl: httpUrl.optional().describe('another address of its API; the sandbox for the user name sandbox'),
  smtpUrl: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe('without it nobody gets an e-mail'),
  mailFrom: z
    .string()
    .max(320)
    .regex(mailbox, 'must be an address, such as shop@example.com or Shop <shop@example.com>')
    .optional(),
  /** Part of the address that the provider sends delivery reports to; without it that address is switched off. */
  callbackSecret: z
    .string()
    .regex(/^[\w-]{24,200}$/, 'must have 24 to 200 letters, digits, - or _')
    .optional(),
  sendTimeoutMs: integer(1_000, 120_000).default(20_000).describe('how long a provider may take to answer'),
  sendConcurrency: integer(1, 100).default(10).describe('messages sent at the same time by one process'),
}
export type NotificationConfig = z.infer<z.ZodObject<typeof configShape>>

/** @throws ConfigError naming every fault */
export const checkConfig = (config: NotificationConfig): NotificationConfig => {
  const faults: string[] = []
  if (config.smsProvider === 'africastalking') {
    if (!config.africastalkingUsername) faults.push('AFRICASTALKING_USERNAME is missing')
    if (!config.africastalkingApiKey) faults.push('AFRICASTALKING_API_KEY is missing')
  }
  if (config.smtpUrl && !config.mailFrom) faults.push('MAIL_FROM is missing: SMTP_URL needs it')
  if (faults.length > 0) throw new ConfigError(`configuration: ${faults.join('; ')}`)
  return config
}

/** @throws ConfigError naming every fault */
export const config = (): NotificationConfig => checkConfig(loadConfig(configShape))
