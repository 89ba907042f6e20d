import { problems } from '@clientele/contracts/problem'
import { type Html, html } from './html.ts'

/** The help of an error code as markup: text in backticks becomes code. */
export const helpText = (code: keyof typeof problems): Html[] =>
  problems[code].help.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))
