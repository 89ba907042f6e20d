import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@clientele/stack/profile/ports'

/** nginx as it comes, but for the folders that it may write to. */
const configuration = (folder: string, port: number, upstream: string): string => `
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${upstream}; }
  }
}
`

/** Starts nginx with its defaults in front of `upstream`. */
export const startNginx = async (upstream: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'clientele-nginx-'))
  const [port = 0] = await freePorts(1)
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, upstream))
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    // Debian has it where only root looks for programs.
    env: { PATH: `${process.env['PATH']}:/usr/sbin` },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'spawn')
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async (): Promise<void> => {
      if (child.exitCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
