import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../support/process';

const PACKAGES = join(__dirname, 'node_modules');

/** The project of an integrator, in a folder of its own. */
export interface Project {
  folder: string;
  /** The commands of the section, in order. */
  commands: readonly string[];
  read(path: string): string;
  write(path: string, text: string): void;
  /** Runs a command. It never rejects. @returns What it printed, and its exit code. */
  run(command: string): Promise<{ code: number; output: string }>;
  remove(): void;
}

/**
 * Creates a project with the snippets of a section of docs/integrators.md, and with the schema of a supergraph.
 *
 * @param heading A heading of the page. The first line of a snippet is the name of its file.
 */
export async function createProject(heading: string): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'integrator-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(PACKAGES)) symlinkSync(join(PACKAGES, name), join(modules, name));
  symlinkSync(ROOT, join(modules, 'genauth-identity-subgraph'));
  const project: Project = {
    folder,
    commands: commandsOf(heading),
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    async run(command) {
      const execution = promisify(execFile)('sh', ['-c', command], { cwd: folder });
      const { stdout, stderr, code } = await execution.then(
        (done) => ({ ...done, code: 0 }),
        (error: { stdout: string; stderr: string; code: number }) => error,
      );
      return { code, output: stdout + stderr };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
  for (const section of ['Files', heading]) {
    for (const [, name = '', text = ''] of sectionOf(section).matchAll(
      /^```(?:graphql|jsonc?|js|ts)\n(?:\/\/|#) (\S+)\n([\s\S]*?)^```$/gm,
    )) {
      project.write(name, text);
    }
  }
  for (const command of commandsOf('Files')) await project.run(command);
  return project;
}

const sectionOf = (heading: string): string => {
  const page = readFileSync(join(ROOT, 'docs', 'integrators.md'), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/integrators.md has no section ${heading}`);
  return section;
};

function commandsOf(heading: string): string[] {
  return [...sectionOf(heading).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, text = '']) =>
    text.trim().split('\n'),
  );
}
