import { type ProblemCode, problems } from '@clientele/contracts/problem'
import { html } from './html.ts'
import { layout } from './layout.ts'

const slugOf = (code: string): string => code.replaceAll('_', '-')

/** The code that `/problems/{type}` names, if there is one. */
export const problemCodeOf = (slug: string): ProblemCode | undefined =>
  (Object.keys(problems) as ProblemCode[]).find((code) => slugOf(code) === slug)

/** What `type` in a problem leads to. */
export const problemPage = (code: ProblemCode): string =>
  layout({
    title: `${problems[code].title} · Clientele`,
    main: html`<section class="hero">
<p class="status">${problems[code].status}</p>
<h1>${problems[code].title}</h1>
<p>${problems[code].help}</p>
<p class="fine">Code <code>${code}</code> · <a href="/problems">All error codes</a></p>
</section>`,
  })

/** All of them. */
export const problemList = (): string =>
  layout({
    title: 'Error codes · Clientele',
    main: html`<section><h1>Error codes</h1>
<div class="scroll"><table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>
${Object.entries(problems).map(
  ([code, { status, title, help }]) =>
    html`<tr><td>${status}</td><td><a href="/problems/${slugOf(code)}"><code>${code}</code></a></td><td><strong>${title}.</strong> ${help}</td></tr>
`,
)}</tbody></table></div></section>`,
  })
