/** A mail or SMS as `GET /messages` returns it, newest first. `links` are the http(s) URLs in its text and HTML. */
export type CaughtMessage = {
  id: number
  kind: 'mail' | 'sms'
  receivedAt: string
  from: string
  to: string[]
  subject: string
  text: string
  html: string
  links: string[]
}
