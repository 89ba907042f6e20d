import { type ProblemCode, problems } from '@clientele/contracts/problem'
import { helpText } from './help-text.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

/** The page that shows a problem in a browser. */
export const errorPage = ({
  status,
  code,
  requestId,
}: {
  status: number
  code: ProblemCode
  requestId: string
}): string =>
  layout({
    title: `${problems[code].title} · Clientele`,
    main: html`<section class="hero error">
<p class="status">${status}</p>
<h1>${problems[code].title}</h1>
<p>${helpText(code)}</p>
<p class="actions"><a class="button" href="/">Go to the start</a> <a class="button quiet" href="/problems/${code.replaceAll('_', '-')}">About this error</a></p>
<p class="fine">Request <code>${requestId}</code></p>
</section>`,
  })
