import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeploymentError, keepDeployment } from './deployment.js';

describe('what was chosen with the data directory', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-deployment-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('is made by the first start and kept by the next', () => {
    keepDeployment(directory, { boardUtcOffset: '+02:00' });
    expect(() => keepDeployment(directory, { boardUtcOffset: '+02:00' })).not.toThrow();
    expect(readdirSync(directory)).toEqual(['deployment.json']);
  });

  it('cannot be changed, and says what it was', () => {
    keepDeployment(directory, { boardUtcOffset: '+02:00' });
    expect(() => keepDeployment(directory, { boardUtcOffset: '+00:00' })).toThrow(DeploymentError);
    expect(() => keepDeployment(directory, { boardUtcOffset: '+00:00' })).toThrow(/BOARD_UTC_OFFSET.*\+02:00/);
  });

  it('is never guessed from a file that cannot be read', () => {
    writeFileSync(join(directory, 'deployment.json'), '{"boardUtc');
    expect(() => keepDeployment(directory, { boardUtcOffset: '+00:00' })).toThrow(/deployment\.json cannot be read/);
  });
});
