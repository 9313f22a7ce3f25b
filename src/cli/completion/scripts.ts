/** Each asks `rollout complete` with the line up to the cursor, and takes a candidate a line, its description after a tab. */
export const completionScripts = {
  bash: `# Completion of rollout for bash. To have it in every shell: rollout completion bash >~/.local/share/bash-completion/completions/rollout
_rollout() {
  local line=\${COMP_LINE:0:COMP_POINT} value word done
  word=\${line##*[[:space:]]}
  # Readline replaces what follows the last of these characters.
  done=\${word%"\${word##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    [[ -n $value ]] && COMPREPLY+=("\${value#"$done"}")
  done < <("\${COMP_WORDS[0]}" complete "$line" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o bashdefault -o default -F _rollout rollout
`,
  zsh: `#compdef rollout
# Completion of rollout for zsh. To have it in every shell, behind compinit in ~/.zshrc: source <(rollout completion zsh)
_rollout() {
  local line value
  local -a plain shown folders
  for line in "\${(@f)$("$words[1]" complete "\${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}"; do
    value=\${line%%$'\\t'*}
    [[ -n $value ]] || continue
    if [[ $value == */ ]]; then
      folders+=("$value")
    else
      plain+=("$value")
      shown+=("\${line/$'\\t'/  -- }")
    fi
  done
  (( $#plain )) && compadd -l -d shown -a plain
  (( $#folders )) && compadd -S '' -a folders
  (( $#plain + $#folders )) || _files
}
compdef _rollout rollout
`,
  fish: `# Completion of rollout for fish. To have it in every shell: rollout completion fish >~/.config/fish/completions/rollout.fish
function __rollout_complete
    set -l words (commandline -opc)
    $words[1] complete (commandline -cp | string collect) 2>/dev/null
end
complete -c rollout -f -a '(__rollout_complete)'
`,
} as const;

export type Shell = keyof typeof completionScripts;
