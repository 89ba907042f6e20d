import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../src/processes/folders.ts'

const guide = readFileSync(join(projectRoot, 'docs', 'deploy', 'aws-ecs.md'), 'utf8')
const iam = join(projectRoot, 'deploy', 'aws', 'iam')
/** The shell commands of each numbered step, by its number. */
const steps = Object.fromEntries(
  guide.split(/^## /m).map((section) => {
    const commands = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('\n')
    return [Number.parseInt(section, 10), commands]
  }),
)

describe('docs/deploy/aws-ecs.md', () => {
  it.each([
    [1, 'creates security groups and opens their ports', ['create-security-group', 'authorize-security-group-ingress']],
    [2, 'creates a PostgreSQL database on RDS', ['aws rds create-db-instance', '--engine postgres']],
    [7, 'creates IAM roles', ['aws iam create-role', 'aws iam put-role-policy']],
    [8, 'creates an EC2 instance', ['aws ec2 run-instances', 'ECS_CLUSTER=clientele']],
    [8, 'assigns an Elastic IP address', ['aws ec2 allocate-address', 'aws ec2 associate-address']],
    [9, 'pushes the images to ECR', ['aws ecr create-repository', 'npm run images -- --prefix $REGISTRY']],
    [10, 'runs the migrations as an ECS task', ['register migrate', 'aws ecs run-task']],
    [11, 'creates the ECS services', ['register $name', 'aws ecs create-service']],
  ])('step %i of the guide for AWS %s', (step, _what, commands) => {
    for (const command of commands) expect(steps[step]).toContain(command)
  })

  it('the commands of the guide for AWS are valid shell', () => {
    const script = Object.values(steps).join('\n')
    expect(script.length).toBeGreaterThan(1000)
    execFileSync('bash', ['-n'], { input: script, stdio: ['pipe', 'ignore', 'pipe'] })
  })

  it('the guide for AWS uses every IAM policy, and no policy allows every action', () => {
    const used = [...(steps[7] ?? '').matchAll(/\$\(policy ([\w-]+)\)/g)].map(([, name]) => `${name}.json`)
    expect([...new Set(used)].sort()).toEqual(readdirSync(iam).sort())
    for (const file of used) {
      const { Statement } = JSON.parse(readFileSync(join(iam, file), 'utf8')) as { Statement: { Action: unknown }[] }
      expect(Statement.length).toBeGreaterThan(0)
      for (const { Action } of Statement) expect([Action].flat()).not.toContainEqual(expect.stringContaining('*'))
    }
  })
})
