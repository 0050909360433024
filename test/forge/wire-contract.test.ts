// The adapters of GitHub (the real octokit) and GitLab keep the contract, over HTTP and a repository of Git's.
import { describeForgeContract } from '../contract/forge.ts';
import { createWireWorld } from './world.ts';

describeForgeContract('GitHub', async () => createWireWorld('github'));
describeForgeContract('GitLab', async () => createWireWorld('gitlab'));
