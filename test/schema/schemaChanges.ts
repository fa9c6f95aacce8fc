import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CriticalityLevel, diff, DiffRule } from '@graphql-inspector/core';
import { buildASTSchema, type GraphQLSchema, parse } from 'graphql';
import { parse as parseYaml } from 'yaml';

const CLASSES = [
  ['Breaking', CriticalityLevel.Breaking],
  ['Dangerous', CriticalityLevel.Dangerous],
  ['Safe', CriticalityLevel.NonBreaking],
] as const;

/**
 * Lists the changes of the schema since the last release, by class. As a program, it prints them, and fails if they are not
 * allowed: see CONTRIBUTING.md.
 *
 * @param root The folder with `docs/` and `.changeset/`.
 * @returns `isAllowed` is false if a change is breaking and no changeset is of kind major.
 */
export async function listSchemaChanges(root: string): Promise<{ text: string; isAllowed: boolean }> {
  const [released, current] = ['schema.released.graphql', 'schema.graphql'].map((name) =>
    toSchema(readFileSync(join(root, 'docs', name), 'utf8')),
  );
  const changes = await diff(released ?? null, current ?? null, [DiffRule.ignoreDescriptionChanges]);
  const sections = CLASSES.map(([name, level]) => {
    const messages = changes.filter(({ criticality }) => criticality.level === level).map(({ message }) => message);
    return messages.length === 0 ? '' : `${name}:\n${messages.map((message) => `- ${message}\n`).join('')}`;
  });
  const isBroken = changes.some(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
  return { text: sections.join(''), isAllowed: !isBroken || readKinds(join(root, '.changeset')).includes('major') };
}

/** The SDL of a subgraph does not declare the directives of federation. */
function toSchema(sdl: string): GraphQLSchema {
  return buildASTSchema(parse(sdl), { assumeValid: true, assumeValidSDL: true });
}

/** Reads the kinds of the changesets in a folder: `major`, `minor` or `patch`. */
function readKinds(folder: string): unknown[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.md'));
  return files.flatMap((name) => {
    const [, frontMatter = ''] = readFileSync(join(folder, name), 'utf8').split(/^---$/m);
    return Object.values((parseYaml(frontMatter) ?? {}) as Record<string, unknown>);
  });
}

async function main(): Promise<void> {
  const { text, isAllowed } = await listSchemaChanges(join(__dirname, '..', '..'));
  process.stdout.write(text === '' ? 'No changes of the schema since the last release\n' : text);
  if (isAllowed) return;
  process.stderr.write('A breaking change needs a changeset of kind major: see CONTRIBUTING.md\n');
  process.exitCode = 1;
}

if (require.main === module) void main();
