import type { NotificationConfig } from '../config.ts'
import { createAfricastalking } from './africastalking.ts'
import type { Provider } from './provider.ts'
import { createSmsCatcher } from './sms-catcher.ts'
import { createSmtp } from './smtp.ts'

export type Providers = { sms: Provider | undefined; email: Provider | undefined }

const smsProvider = (config: NotificationConfig): Provider | undefined => {
  const { smsCatcherUrl: url, shopName: from, sendTimeoutMs: timeoutMs } = config
  if (config.smsProvider === 'log') return url === undefined ? undefined : createSmsCatcher({ url, from, timeoutMs })
  return createAfricastalking({
    username: config.africastalkingUsername ?? '',
    apiKey: config.africastalkingApiKey ?? '',
    senderId: config.africastalkingSenderId,
    url: config.africastalkingUrl,
    timeoutMs,
    connections: config.sendConcurrency,
  })
}

/** Creates the configured provider of each channel. */
export const createProviders = (config: NotificationConfig): Providers => {
  const { smtpUrl: url, mailFrom: from, sendTimeoutMs: timeoutMs } = config
  return {
    sms: smsProvider(config),
    email: url !== undefined && from !== undefined ? createSmtp({ url, from, timeoutMs }) : undefined,
  }
}
