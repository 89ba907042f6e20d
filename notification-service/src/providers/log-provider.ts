import type { Log } from '@clientele/platform/runtime/log'
import { maskAddress } from '../notifications/notification.presenter.ts'
import type { Provider } from './provider.ts'

/** The provider if none is configured: it writes a log line instead of sending an SMS. */
export const createLogProvider = (log: Log): Provider => ({
  name: 'log',
  channel: 'sms',
  send: async ({ id, to, text }) => {
    log.info(
      { notificationId: id, to: maskAddress(to), characters: text.length },
      'SMS not sent: no provider is configured',
    )
    return { kind: 'accepted', messageId: null, cost: null }
  },
  close: async () => {},
})
