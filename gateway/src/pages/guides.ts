import { readFileSync } from 'node:fs'
import { Marked, type Token, type Tokens } from 'marked'
import { Html, html } from './html.ts'
import { layout } from './layout.ts'

/** The documents of `docs` that the gateway serves, for those who call the API; the others are for operators and developers. */
const names = [
  'api',
  'front-end',
  'clients',
  'events',
  'webhooks',
  'machine-accounts',
  'identity-providers',
  'imports',
  'exports',
] as const
const folder = new URL('../../../docs/', import.meta.url)
/** The gateway's address in the documents. */
const documentedAddress = 'http://localhost:8000/'

/** A document of `docs` as a page. `summary` is its first sentence. */
export type Guide = { name: string; title: string; summary: string; markdown: string; page: string }

const isGuide = (name: string): boolean => (names as readonly string[]).includes(name)

/** Where a link of a document leads on the gateway; undefined for files that it does not serve. */
const addressOf = (href: string): string | undefined => {
  if (href.startsWith(documentedAddress)) return href.slice(documentedAddress.length - 1)
  if (/^(https?:|#)/.test(href)) return href
  const [, name = '', hash = ''] = /^([a-z-]+)\.md(#.*)?$/.exec(href) ?? []
  return isGuide(name) ? `/guides/${name}${hash}` : undefined
}

const plainText = (tokens: Token[] = []): string =>
  tokens.map((token) => ('tokens' in token ? plainText(token.tokens) : 'text' in token ? token.text : '')).join('')

/** The id that GitHub gives a heading, which links of documents use. */
const slugOf = (tokens: Token[]): string =>
  plainText(tokens)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- ]/gu, '')
    .replaceAll(' ', '-')

const marked = new Marked({
  renderer: {
    heading({ tokens, depth }: Tokens.Heading): string {
      return `<h${depth} id="${slugOf(tokens)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
    },
    // The gateway does not serve the pictures of the documents.
    image: () => '',
    link({ href, tokens }: Tokens.Link): string {
      const [address, text] = [addressOf(href), this.parser.parseInline(tokens)]
      return address === undefined ? text : html`<a href="${address}">${new Html(text)}</a>`.text
    },
    table(token: Tokens.Table): string {
      const cells = (row: Tokens.TableCell[], tag: string) =>
        `<tr>${row.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`
      const body = token.rows.map((row) => cells(row, 'td')).join('\n')
      return `<div class="scroll"><table><thead>${cells(token.header, 'th')}</thead><tbody>${body}</tbody></table></div>\n`
    },
  },
})

const readGuide = (name: string): Guide => {
  const markdown = readFileSync(new URL(`${name}.md`, folder), 'utf8')
  const tokens = marked.lexer(markdown)
  const textOf = (type: string): string =>
    plainText((tokens.find((token) => token.type === type) as Tokens.Generic)?.tokens)
  const title = textOf('heading')
  const [summary = ''] = /^.*?\.(?=\s|$)/s.exec(textOf('paragraph')) ?? []
  const main = html`<article class="guide">${new Html(marked.parser(tokens))}</article>`
  return { name, title, summary, markdown, page: layout({ title: `${title} · Clientele`, main }) }
}

/** Reads the documents. @throws Error if one is missing */
export const readGuides = (): Guide[] => names.map(readGuide)
