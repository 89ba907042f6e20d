import { startMail } from './backing/mail.ts'

// Listens on all addresses, because other containers send mail here. Compose publishes the page on loopback only.
// Services post text messages to the name of the container.
const mail = await startMail({ smtpPort: 1025, httpPort: 8025, host: '0.0.0.0', names: ['mail'] })
console.log(`caught mail: ${mail.url}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void mail.stop())
