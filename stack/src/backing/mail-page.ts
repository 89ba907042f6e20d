import type { CaughtMessage } from './caught-message.ts'

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '')

/** The HTML page of the caught mails and SMS: subject, addresses, text and links. The HTML of a mail is never rendered. */
export const mailPage = (messages: CaughtMessage[]): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Caught mail and SMS</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733; background: #f6f7f9 }
article { background: #fff; border: 1px solid #dfe3e8; border-radius: 8px; padding: 1rem 1.25rem; margin: 1rem 0 }
h2 { font-size: 1.1rem; margin: 0 } small { color: #5c6b7a } pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit } a { overflow-wrap: anywhere }
@media (prefers-color-scheme: dark) { body { color: #dce3ea; background: #14191f } article { background: #1c232b; border-color: #323c47 } a { color: #8ab8ff } small { color: #93a1b0 } }
</style>
<h1>Caught mail and SMS</h1>
<p>Mail and text messages that Clientele sends on this machine are shown here and not delivered. Reload to see new ones.</p>
${messages.map(article).join('\n') || '<p>No message yet.</p>'}
</html>`

const titleOf = ({ kind, subject }: CaughtMessage): string => (kind === 'sms' ? 'SMS' : subject || '(no subject)')

const article = (message: CaughtMessage): string => `<article><h2>${escapeHtml(titleOf(message))}</h2>
<small>to ${escapeHtml(message.to.join(', '))} · from ${escapeHtml(message.from)} · <time>${escapeHtml(message.receivedAt)}</time></small>
<pre>${escapeHtml(message.text.trim())}</pre>
<ul>${message.links.map((link) => `<li><a href="${escapeHtml(link)}" rel="noreferrer">${escapeHtml(link)}</a></li>`).join('')}</ul></article>`
