import { type ProblemCode, problems } from '@clientele/contracts/problem'
import { helpText } from './help-text.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

const slugOf = (code: string): string => code.replaceAll('_', '-')

/** The error code of `/problems/{type}`; undefined if there is none. */
export const problemCodeOf = (slug: string): ProblemCode | undefined =>
  (Object.keys(problems) as ProblemCode[]).find((code) => slugOf(code) === slug)

/** The page of an error code. The `type` of a problem links to it. */
export const problemPage = (code: ProblemCode): string =>
  layout({
    title: `${problems[code].title} · Clientele`,
    main: html`<section class="hero">
<p class="status">${problems[code].status}</p>
<h1>${problems[code].title}</h1>
<p>${helpText(code)}</p>
<p class="fine">Code <code>${code}</code> · <a href="/problems">All error codes</a></p>
</section>`,
  })

/** The page that lists all error codes. */
export const problemList = (): string =>
  layout({
    title: 'Error codes · Clientele',
    main: html`<section><h1>Error codes</h1>
<div class="scroll"><table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>
${(Object.keys(problems) as ProblemCode[]).map(
  (code) =>
    html`<tr><td>${problems[code].status}</td><td><a href="/problems/${slugOf(code)}"><code>${code}</code></a></td><td><strong>${problems[code].title}.</strong> ${helpText(code)}</td></tr>
`,
)}</tbody></table></div></section>`,
  })
