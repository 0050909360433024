// Git configuration as somebody hostile would write it: every setting that makes Git start a program, somewhere.

/** Settings that make Git run a program, somewhere. `CANARY` stands for a command that makes the canary file. */
export const HOSTILE_SETTINGS: readonly string[] = `
  alias.fetch=!CANARY alias.push=!CANARY alias.ls-remote=!CANARY alias.cat-file=!CANARY alias.log=!CANARY
  core.fsmonitor=CANARY core.sshCommand=CANARY core.pager=CANARY core.editor=CANARY core.askPass=CANARY
  core.gitProxy=CANARY core.alternateRefsCommand=CANARY core.hooksPath=HOOKS
  credential.helper=!CANARY credential.https://localhost.helper=!CANARY
  diff.external=CANARY diff.x.command=CANARY diff.x.textconv=CANARY difftool.x.cmd=CANARY
  filter.x.clean=CANARY filter.x.smudge=CANARY filter.x.process=CANARY
  gpg.program=CANARY gpg.ssh.program=CANARY gpg.x509.program=CANARY gpg.ssh.defaultKeyCommand=CANARY
  interactive.diffFilter=CANARY sendemail.smtpServer=CANARY
  log.showSignature=true commit.gpgSign=true push.gpgSign=true
  merge.x.driver=CANARY mergetool.x.cmd=CANARY man.x.cmd=CANARY browser.x.cmd=CANARY web.browser=CANARY
  pager.log=CANARY pager.fetch=CANARY pager.push=CANARY
  remote.origin.uploadpack=CANARY remote.origin.receivepack=CANARY remote.origin.vcs=ext
  remote.origin.url=ext::CANARY remote.origin.proxy=CANARY
  url.ext::CANARY.insteadOf=/ url.ext::CANARY.pushInsteadOf=/ protocol.ext.allow=always protocol.allow=always
  sequence.editor=CANARY submodule.x.update=!CANARY submodule.recurse=true trailer.x.command=CANARY trailer.x.cmd=CANARY
  tar.x.command=CANARY init.templateDir=HOOKS include.path=EVIL includeIf.gitdir:/.path=EVIL
  uploadpack.packObjectsHook=CANARY uploadarchive.allowUnreachable=true
  fetch.recurseSubmodules=true fetch.unpackLimit=1 http.proxy=ext::CANARY http.sslCertPasswordProtected=true
  guitool.x.cmd=CANARY instaweb.httpd=CANARY imap.tunnel=CANARY bundle.uri=CANARY fetch.bundleURI=CANARY
`
  .trim()
  .split(/\s+/);

/** What the words of the settings stand for. */
export interface HostileWords {
  /** A command that makes the canary file. */
  readonly CANARY: string;
  /** A folder of hooks that do the same. */
  readonly HOOKS: string;
  /** A file of configuration. */
  readonly EVIL: string;
}

/** Some of the settings, as a configuration file has them. */
export function hostileConfig(filter: (setting: string) => boolean, words: HostileWords): string {
  return HOSTILE_SETTINGS.filter(filter)
    .map((setting) => {
      const [, section, subsection, name, value] = /^([a-zA-Z]+)(?:\.(.+))?\.([a-zA-Z-]+)=(.*)$/.exec(setting)!;
      const filled = value!.replace('CANARY', words.CANARY).replace('HOOKS', words.HOOKS).replace('EVIL', words.EVIL);
      const place = subsection === undefined ? '' : ` "${subsection.replace('CANARY', words.CANARY)}"`;
      return `[${section}${place}]\n\t${name} = "${filled}"\n`;
    })
    .join('');
}
